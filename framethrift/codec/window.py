"""The vectors of a fusion window in progress, and the order in which they are followed.

Without B-frames every frame is predicted from the frame before it, and following the vectors of a window leads, frame by
frame, to its reference. With B-frames each block leads to the frame that it was predicted from, past or future. FFmpeg
tells the direction only; the frame is taken to be the nearest in that direction that others may refer to (I, P, and in H.264
the B-frames marked so) among those coded before. For MPEG-4 this is exact; H.264 may use a farther one, of which nothing is
known, and then τ is less exact there (δ holds the rest, so that the identity is exact all the same). In full:

* A block with a past vector, or none, leads to the frame's past reference; one with only a future vector to its future
  reference, and from there back.
* A vector that jumps over the window's reference (one of the window's ends is a B-frame that nothing refers to) counts by the
  share of its time that lies inside the window: motion is taken to be even between the two frames.
* A future vector that leaves the GOP, to the key frame after it, is turned round: motion is taken to be even here too.
* FFmpeg's MPEG-4 decoder exports no vectors of B-frames (what it gives for them is left over from other frames). Each of their
  blocks gets the share of the future reference's vector at its place, as in MPEG-4's own direct mode; none when that is the
  key frame after the GOP.
"""

import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from framethrift.codec.coded_order import CodedOrder
from framethrift.codec.fusion import fuse
from framethrift.codec.vectors import grid_shape, paint_vectors, vectors_of


class PastWindow:
    """A window of frames that are each predicted from the frame before."""

    def __init__(self, longest: int, size: tuple[int, int]) -> None:
        self._grids = np.zeros((longest, *grid_shape(*size), 2), np.int16)
        self._moving = np.zeros(longest, np.bool_)
        self._count = 0

    def add(self, frame: VideoFrame) -> bool:
        """Take the next frame's vectors; returns whether the windows that end here or before can be fused now."""
        place = self._count
        if self._moving[place]:
            self._grids[place] = 0
        vectors = vectors_of(frame)
        self._moving[place] = vectors is not None and paint_vectors(vectors, self._grids[place])
        self._count += 1
        return True

    def fuse(
        self,
        length: int,
        reference: NDArray[np.uint8],
        target: NDArray[np.uint8],
        motion: NDArray[np.int16],
        residual: NDArray[np.int16],
    ) -> None:
        """Fuse the next ``length`` frames; arrays as in ``framethrift.codec.fusion.fuse``."""
        # Frames without motion are not visited.
        latest = np.maximum.accumulate(np.where(self._moving[:length], np.arange(length), -1))
        route = np.concatenate([[-1], latest[:-1]])
        fuse(self._grids[:length], route, int(latest[-1]), reference, target, motion, residual)
        self._count = 0


def _share(vectors: NDArray[np.int16], part: int, whole: int) -> NDArray[np.int16]:
    """``part / whole`` of the vectors, to the nearest quarter pixel (halves to the even one)."""
    return np.rint(vectors * (part / whole)).astype(np.int16)


class ReorderedWindow:
    """A window of frames that may be predicted from later ones."""

    def __init__(self, size: tuple[int, int], order: CodedOrder, first: VideoFrame) -> None:
        self._shape = grid_shape(*size)
        self._order = order
        # Of every frame of the GOP: its place in coding order, and whether others may refer to it.
        self._coded = [order.of(first)]
        # The frame number of the window's reference; the vectors of the frames after it, and which cells come from later.
        self._base = 0
        self._vectors: list[tuple[NDArray[np.int16], NDArray[np.bool_]]] = []
        # Numbers of the frames whose vectors are not exported.
        self._borrowed: set[int] = set()

    def add(self, frame: VideoFrame) -> bool:
        """Take the next frame in display order; returns whether the windows that end here or before can be fused now."""
        grid, future = np.zeros((*self._shape, 2), np.int16), np.zeros(self._shape, np.bool_)
        vectors = vectors_of(frame)
        if frame.pict_type == PictureType.B and not self._order.b_vectors:
            self._borrowed.add(len(self._coded))
        elif vectors is not None:
            paint_vectors(vectors, grid, future)
        self._coded.append(self._order.of(frame))
        self._vectors.append((grid, future))
        # A B-frame may refer to what is shown next.
        return frame.pict_type != PictureType.B

    def _nearest(self, number: int, candidates: range) -> int | None:
        """The first of the candidates that frame ``number`` can have been predicted from."""
        place, _ = self._coded[number]
        return next((n for n in candidates if self._coded[n][1] and self._coded[n][0] < place), None)

    def fuse(
        self,
        length: int,
        reference: NDArray[np.uint8],
        target: NDArray[np.uint8],
        motion: NDArray[np.int16],
        residual: NDArray[np.int16],
    ) -> None:
        """Fuse the next ``length`` frames; arrays as in ``framethrift.codec.fusion.fuse``."""
        base, end = self._base, len(self._coded)
        grids = np.empty((len(self._vectors), *self._shape, 2), np.int16)
        route = np.empty(grids.shape[:3], np.int64)
        for index, (grid, future) in enumerate(self._vectors):
            number = base + 1 + index
            past = self._nearest(number, range(number - 1, -1, -1)) or 0
            later = self._nearest(number, range(number + 1, end))
            inside = number - max(past, base)
            if number in self._borrowed and later is not None:
                grid = _share(self._vectors[later - base - 1][0], inside, later - past)
            elif past < base:
                grid = _share(grid, inside, number - past)
            route[index] = max(past - base, 0) - 1
            if later is None:
                grid = np.where(future[..., None], _share(self._vectors[index][0], -inside, end - number), grid)
            else:
                grid = np.where(future[..., None], self._vectors[index][0], grid)
                route[index][future] = later - base - 1
            grids[index] = grid
        fuse(grids, route, length - 1, reference, target, motion, residual)
        del self._vectors[:length]
        self._base += length
