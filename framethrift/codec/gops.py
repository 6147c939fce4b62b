"""Reading a video as GOPs of fused P-frames."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from framethrift.codec.coded_order import CodedOrder
from framethrift.codec.index import PacketIndex, gop_frames, read_index
from framethrift.codec.pictures import RgbReader
from framethrift.codec.source import ErrorsLogged, Source, open_video
from framethrift.codec.window import PastWindow, ReorderedWindow

VECTOR_CODECS = ("mpeg4", "h264")
_FIRST_SLOTS = 4

# Frames per window, or per GOP number the frames of each of its windows.
Windows = int | Mapping[int, Sequence[int]]


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
    """Collects the frames of one GOP; keeps only the slots and the vectors of the windows in progress."""

    def __init__(
        self, reader: "_Reader", index: int, start: float, first: VideoFrame, slots: int, windows: int | Sequence[int]
    ) -> None:
        self._reader = reader
        self._index = index
        self._start = start
        # Frames of each window to come, and of the one in progress; 0 after the last.
        self._lengths = repeat(windows) if isinstance(windows, int) else iter(windows)
        self._length = next(self._lengths, 0)
        # Frames since the last slot, and the windows that end at a slot but are not fused yet.
        self._since = 0
        self._ended: list[int] = []
        self._times: list[float] = []
        size = first.height, first.width
        self._window: PastWindow | ReorderedWindow
        if reader.order is None:
            self._window = PastWindow(windows if isinstance(windows, int) else max(windows, default=0), size)
        else:
            self._window = ReorderedWindow(size, reader.order, first)
        # Room for as many slots as the last GOP had (fresh memory is what costs most here); grows if there are more.
        self._frames = np.empty((slots, *size, 3), np.uint8)
        self._motion = np.empty((slots, *size, 2), np.int16)
        self._residual = np.empty((slots, *size, 3), np.int16)
        self._add_slot(first)

    @property
    def slots(self) -> int:
        return len(self._times)

    def add(self, frame: VideoFrame) -> None:
        if not self._length and not self._ended:
            return
        complete = self._window.add(frame)
        self._since += 1
        if self._since == self._length:
            self._add_slot(frame)
            self._ended.append(self._length)
            self._since, self._length = 0, next(self._lengths, 0)
        if complete:
            self._fuse()

    def _add_slot(self, frame: VideoFrame) -> None:
        if self.slots == len(self._frames):
            self._frames, self._motion, self._residual = (
                np.concatenate([array, np.empty_like(array)]) for array in (self._frames, self._motion, self._residual)
            )
        self._frames[self.slots] = self._reader.rgb.read(frame)
        self._times.append(self._reader.source.time_of(frame) - self._start)

    def _fuse(self) -> None:
        for slot, length in enumerate(self._ended, start=self.slots - len(self._ended)):
            before, after = self._frames[slot - 1], self._frames[slot]
            self._window.fuse(length, before, after, self._motion[slot - 1], self._residual[slot - 1])
        self._ended.clear()

    def build(self) -> Gop:
        self._fuse()
        count = self.slots
        return Gop(
            self._index, np.array(self._times), self._frames[:count], self._motion[: count - 1], self._residual[: count - 1]
        )


class _Reader:
    """What is the same for all GOPs of one open file."""

    def __init__(self, source: Source, windows: Windows, b_frames: bool) -> None:
        self.source = source
        self._windows = windows
        self.rgb = RgbReader()
        self.order = CodedOrder(source) if b_frames else None
        if self.order is not None:
            source.on_packet = self.order.note
        self._size: tuple[int, int] | None = None

    def _check(self, frame: VideoFrame) -> None:
        if frame.pict_type == PictureType.B and self.order is None:
            detail = "the stream holds B-frames; allow them (recipe.b_frames, read_gops(b_frames=True)) or re-encode it first"
            raise self.source.reject("b_frames", detail)
        size = frame.height, frame.width
        self._size = self._size or size
        if size != self._size:
            raise self.source.reject("size_changes", f"the picture changes from {self._size} to {size} (rows, columns)")

    def _of(self, number: int) -> int | Sequence[int]:
        return self._windows if isinstance(self._windows, int) else self._windows[number]

    def split(self, frames: Iterator[VideoFrame], slots: int, number: int = 0, start: float | None = None) -> Iterator[Gop]:
        """GOPs of a run of frames; what is shown before the first key frame refers to what is not there, and is left out."""
        builder = None
        for frame in frames:
            self._check(frame)
            start = self.source.time_of(frame) if start is None else start
            if frame.key_frame:
                if builder is not None:
                    yield builder.build()
                    number, slots = number + 1, builder.slots
                builder = _GopBuilder(self, number, start, frame, slots, self._of(number))
            elif builder is not None:
                builder.add(frame)
        if builder is None:
            raise self.source.reject("corrupt", "there is no key frame")
        yield builder.build()

    def gop(self, index: PacketIndex, number: int) -> Gop:
        """One GOP of the file."""
        keys = [*index.keyframes, len(index.pts)]
        own, count = self._of(number), keys[number + 1] - keys[number]
        if not isinstance(own, int) and sum(own) >= count:
            path = self.source.path
            raise ValueError(f"{path}: GOP {number} has {count} frames, too few for windows of {sum(own)} after its first")
        frames = gop_frames(self.source, index, number)
        start = float(index.pts[0] * self.source.time_base)
        found = list(self.split(frames, 1 + ((count - 1) // own if isinstance(own, int) else len(own)), number, start))
        if len(found) > 1:
            raise self.source.reject("corrupt", f"key frames within GOP {number} that the container does not mark")
        return found[0]


def require_vectors(source: Source) -> None:
    """Raise ``VideoRejected`` (no_vectors) for a codec whose decoder exports no motion vectors."""
    if source.codec not in VECTOR_CODECS:
        detail = f"FFmpeg exports no motion vectors for {source.codec}; re-encode it first (recipe.codec: mpeg4 or h264)"
        raise source.reject("no_vectors", detail)


def read_gops(
    path: str | Path, window: Windows, gops: Sequence[int] | None = None, *, b_frames: bool = False, jobs: int = 1
) -> Iterator[Gop]:
    """Read a video GOP by GOP, ``window`` frames fused into one (τ, δ).

    A GOP runs from one key frame to before the next, in the order shown, however long: streams of others may have GOPs of
    different lengths and I-frames within one (scene cuts). Such an I-frame starts no GOP; its pixels have no vectors, so that
    they are taken to stand still across the cut and δ holds the whole change.

    Args:
        path: an MPEG-4 Part 2 or H.264 file (what ``reencode`` writes, or a foreign file of that kind). Vectors of foreign
            H.264 to other references than the nearest frame are taken as if they pointed to it (FFmpeg does not say which is
            meant): the identity still holds, τ is less exact there.
        window: the fusion window s, in frames; or per GOP number the frames of each of its windows, one after the other.
        gops: numbers of the GOPs wanted, in any order; they are yielded in file order and only they are decoded. None: all, or
            all that ``window`` names.
        b_frames: read B-frames too; τ then follows each block to its true reference, past or future, as described in
            ``framethrift.codec.window``. Otherwise a stream that holds any is refused.
        jobs: threads that read GOPs at the same time, each with its own decoder; the result does not depend on it. At most
            ``jobs + 1`` GOPs are held. (A decoder never uses threads of its own: vectors would not be reproducible.)

    Yields:
        ``Gop`` in file order.

    Raises:
        VideoRejected: the file is bad, its codec exports no vectors, or it holds B-frames that are not allowed.
        ValueError: a window or ``jobs`` below 1, or windows that are longer than their GOP.
        IndexError: a GOP number that the file does not have.
        KeyError: a GOP number for which ``window`` names no windows.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, not {jobs}")
    if gops is None and not isinstance(window, int):
        gops = sorted(window)
    for length in [window] if isinstance(window, int) else {length for own in window.values() for length in own}:
        if length < 1:
            raise ValueError(f"window must be at least 1, not {length}")
    with open_video(path, vectors=True) as source:
        require_vectors(source)
        reader = _Reader(source, window, b_frames)
        if gops is None and jobs == 1:
            yield from reader.split(source.frames(), _FIRST_SLOTS)
            return
        index = read_index(source, complete=gops is None)
        count = len(index.keyframes)
        wanted = range(count) if gops is None else sorted(set(gops))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < count:
            raise IndexError(f"{path} has GOPs 0 to {count - 1}, asked for {wanted[0]} to {wanted[-1]}")
        if jobs == 1:
            yield from (reader.gop(index, number) for number in wanted)
            return
    yield from _read_together(path, window, index, list(wanted), b_frames, jobs)


def _chosen(path: str | Path, window: Windows, index: PacketIndex, numbers: list[int], b_frames: bool) -> Generator[Gop]:
    with open_video(path, vectors=True) as source:
        reader = _Reader(source, window, b_frames)
        for number in numbers:
            yield reader.gop(index, number)


def _read_together(
    path: str | Path, window: Windows, index: PacketIndex, numbers: list[int], b_frames: bool, jobs: int
) -> Iterator[Gop]:
    """GOPs in the order of ``numbers``, every ``jobs``-th by the same decoder."""
    parts = [numbers[first::jobs] for first in range(min(jobs, len(numbers)))]
    workers = [_chosen(path, window, index, part, b_frames) for part in parts]
    with ExitStack() as stack:
        for worker in workers:
            stack.callback(worker.close)
        # For all threads at once: PyAV's log callback fails when the level changes while it runs.
        stack.enter_context(ErrorsLogged())
        pool = stack.enter_context(ThreadPoolExecutor(jobs))
        coming = [pool.submit(next, worker) for worker in workers]
        for place in range(len(numbers)):
            turn = place % jobs
            gop = coming[turn].result()
            if place + jobs < len(numbers):
                coming[turn] = pool.submit(next, workers[turn])
            yield gop
