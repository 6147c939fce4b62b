"""Reading a video as GOPs of fused P-frames."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from framethrift.codec.fusion import fuse
from framethrift.codec.index import read_index
from framethrift.codec.pictures import RgbReader
from framethrift.codec.source import Source, open_video
from framethrift.codec.vectors import grid_shape, paint_vectors, vectors_of

VECTOR_CODECS = ("mpeg4", "h264")
_FIRST_SLOTS = 4


@dataclass(frozen=True)
class Gop:
    """One GOP seen at its slots: the I-frame and the last frame of each window, with a fixed one S = 1 + (frames - 1) // window.

    Frames after the last slot (a tail shorter than the window) are decoded and checked but described by nothing.

    Attributes:
        index: number of the GOP in the file, from 0.
        times: seconds from the file's first frame, float64 (S,).
        frames: RGB uint8 (S, H, W, 3), as stored (a rotation mark of the container is not applied).
        motion: τ of slots 1 to S-1, int16 (S-1, H, W, 2), pixels (x, y); see ``framethrift.codec.fusion``.
        residual: δ of slots 1 to S-1, int16 (S-1, H, W, 3).
    """

    index: int
    times: NDArray[np.float64]
    frames: NDArray[np.uint8]
    motion: NDArray[np.int16]
    residual: NDArray[np.int16]


class _GopBuilder:
    """Collects the frames of one GOP; keeps only the slots and the vectors of the window in progress."""

    def __init__(self, index: int, windows: int | Sequence[int], start: float, size: tuple[int, int], slots: int) -> None:
        self._index = index
        # Frames of each window to come, and of the one in progress; 0 after the last.
        self._lengths = repeat(windows) if isinstance(windows, int) else iter(windows)
        self._length = 0
        # Frames since the last slot.
        self._since = 0
        self._start = start
        self._times: list[float] = []
        longest = windows if isinstance(windows, int) else max(windows, default=1)
        self._grids = np.zeros((longest, *grid_shape(*size), 2), np.int16)
        self._moving = np.zeros(longest, np.bool_)
        # Room for as many slots as the last GOP had (fresh memory is what costs most here); grows if there are more.
        self._frames = np.empty((slots, *size, 3), np.uint8)
        self._motion = np.empty((slots, *size, 2), np.int16)
        self._residual = np.empty((slots, *size, 3), np.int16)

    @property
    def slots(self) -> int:
        return len(self._times)

    def add(self, frame: VideoFrame, time: float, rgb: RgbReader) -> None:
        if self._length:
            place = self._since
            if self._moving[place]:
                self._grids[place] = 0
            vectors = vectors_of(frame)
            self._moving[place] = vectors is not None and paint_vectors(vectors, self._grids[place])
            self._since += 1
        if self._since == self._length and (self._length or not self._times):
            self._add_slot(rgb.read(frame))
            self._times.append(time - self._start)
            self._since, self._length = 0, next(self._lengths, 0)

    def _add_slot(self, picture: NDArray[np.uint8]) -> None:
        slot = self.slots
        if slot == len(self._frames):
            self._frames, self._motion, self._residual = (
                np.concatenate([array, np.empty_like(array)]) for array in (self._frames, self._motion, self._residual)
            )
        self._frames[slot] = picture
        if slot:
            before, after = self._frames[slot - 1], self._frames[slot]
            own = slice(self._length)
            fuse(self._grids[own], self._moving[own], before, after, self._motion[slot - 1], self._residual[slot - 1])

    def build(self) -> Gop:
        slots = self.slots
        return Gop(
            self._index, np.array(self._times), self._frames[:slots], self._motion[: slots - 1], self._residual[: slots - 1]
        )


def require_vectors(source: Source) -> None:
    """Raise ``VideoRejected`` (no_vectors) for a codec whose decoder exports no motion vectors."""
    if source.codec not in VECTOR_CODECS:
        detail = f"FFmpeg exports no motion vectors for {source.codec}; re-encode it first (recipe.codec: mpeg4 or h264)"
        raise source.reject("no_vectors", detail)


def read_gops(path: str | Path, window: int | Mapping[int, Sequence[int]], gops: Sequence[int] | None = None) -> Iterator[Gop]:
    """Read a video GOP by GOP, ``window`` P-frames fused into one (τ, δ).

    Args:
        path: an MPEG-4 Part 2 or H.264 file without B-frames (what ``reencode`` writes, or a foreign file of that kind). In
            foreign H.264, vectors to other references than the previous frame are taken as if they pointed to it (FFmpeg does
            not say which is meant): the identity still holds, τ is less exact there.
        window: the fusion window s, in frames; or per GOP number the frames of each of its windows, one after the other.
        gops: numbers of the GOPs wanted, in any order; they are yielded in file order and only they are decoded. None: all, or
            all that ``window`` names.

    Yields:
        ``Gop`` in file order.

    Raises:
        VideoRejected: the file is bad, its codec exports no vectors, or it holds B-frames.
        ValueError: a window below 1, or windows that are longer than their GOP.
        IndexError: a GOP number that the file does not have.
        KeyError: a GOP number for which ``window`` names no windows.
    """
    if gops is None and not isinstance(window, int):
        gops = sorted(window)
    for length in [window] if isinstance(window, int) else {length for own in window.values() for length in own}:
        if length < 1:
            raise ValueError(f"window must be at least 1, not {length}")
    with open_video(path, vectors=True) as source:
        require_vectors(source)
        rgb = RgbReader()
        if gops is None and isinstance(window, int):
            yield from _split(source, window, source.frames(), rgb, _FIRST_SLOTS)
            return
        index = read_index(source)
        keyframes = index.keyframes
        wanted = sorted(set(gops or ()))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < len(keyframes):
            raise IndexError(f"{path} has GOPs 0 to {len(keyframes) - 1}, asked for {wanted[0]} to {wanted[-1]}")
        start = float(index.pts[0] * source.time_base)
        ends = [*keyframes[1:], len(index.pts)]
        for number in wanted:
            count = ends[number] - keyframes[number]
            source.seek(int(index.pts[keyframes[number]]))
            own = window if isinstance(window, int) else window[number]
            slots = 1 + ((count - 1) // own if isinstance(own, int) else len(own))
            if not isinstance(own, int) and sum(own) >= count:
                raise ValueError(f"{path}: GOP {number} has {count} frames, too few for windows of {sum(own)} after its first")
            yield from _split(source, own, source.frames_until(count), rgb, slots, number, start)


def _split(
    source: Source,
    windows: int | Sequence[int],
    frames: Iterator[VideoFrame],
    rgb: RgbReader,
    slots: int,
    number: int = 0,
    start: float | None = None,
) -> Iterator[Gop]:
    size = (0, 0)
    builder = None
    for frame in frames:
        if frame.pict_type == PictureType.B:
            detail = "the stream holds B-frames; re-encode it first (a recipe always writes I- and P-frames only)"
            raise source.reject("b_frames", detail)
        size = size if builder else (frame.height, frame.width)
        if (frame.height, frame.width) != size:
            raise source.reject(
                "size_changes", f"the picture changes from {size} to {(frame.height, frame.width)} (rows, columns)"
            )
        time = source.time_of(frame)
        if frame.key_frame or builder is None:
            if builder is not None:
                yield builder.build()
                number, slots = number + 1, builder.slots
            start = time if start is None else start
            builder = _GopBuilder(number, windows, start, size, slots)
        builder.add(frame, time, rgb)
    if builder is not None:
        yield builder.build()
