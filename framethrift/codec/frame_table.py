"""What the codec says about each frame: type, time, bytes, motion vectors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.packet import Packet
from av.video.frame import PictureType
from numpy.typing import NDArray

from framethrift.codec.source import open_video
from framethrift.codec.vectors import VECTOR_DTYPE, vectors_of


@dataclass(frozen=True)
class CodedFrame:
    """One frame as it was coded.

    Attributes:
        kind: "I", "P", "B" or "S" (MPEG-4 sprites).
        pts: presentation time in units of the stream's time base.
        time: seconds from the first frame.
        bytes: size of the frame's packet; a free measure of how much happens in it.
        key: whether decoding can start here.
        vectors: motion vectors, structured (n,), ``framethrift.codec.vectors.VECTOR_DTYPE``: compare and hash them field by
            field, there is padding between. Empty for I-frames, for B-frames of MPEG-4 (FFmpeg exports none that can be
            believed) and for codecs that export none.
    """

    kind: str
    pts: int
    time: float
    bytes: int
    key: bool
    vectors: np.ndarray


def coded_frames(path: str | Path) -> Iterator[CodedFrame]:
    """Every frame of a file in display order.

    Raises:
        VideoRejected: the file is bad.
    """
    sizes: dict[int | None, int] = {}

    def note(packet: Packet) -> None:
        if packet.size:
            sizes[packet.pts] = packet.size

    none = np.empty(0, VECTOR_DTYPE)
    start = None
    with open_video(path, vectors=True) as source:
        source.on_packet = note
        for frame in source.frames():
            time = source.time_of(frame)
            start = time if start is None else start
            kind = PictureType(frame.pict_type).name
            believed = kind != "B" or source.codec != "mpeg4"
            found = vectors_of(frame) if believed else None
            # A copy: the decoder uses the frame's memory again.
            vectors = none if found is None else found.copy()
            yield CodedFrame(kind, int(frame.pts or 0), time - start, sizes.pop(frame.pts, 0), bool(frame.key_frame), vectors)


@dataclass(frozen=True)
class FrameTable:
    """One row per frame in display order.

    Attributes:
        types: as ``CodedFrame.kind``, list of n.
        times: seconds from the first frame, float64 (n,).
        bytes: size of the frame's packet, int64 (n,); a free measure of how much happens in it.
        vectors: number of motion vectors, int64 (n,).
        key: whether decoding can start here, bool (n,).
    """

    types: list[str]
    times: NDArray[np.float64]
    bytes: NDArray[np.int64]
    vectors: NDArray[np.int64]
    key: NDArray[np.bool_]


def frame_table(path: str | Path) -> FrameTable:
    """Decode a whole file once and list its frames; raises ``VideoRejected`` for a bad file."""
    types: list[str] = []
    rows: list[tuple[float, int, int, bool]] = []
    for frame in coded_frames(path):
        types.append(frame.kind)
        rows.append((frame.time, frame.bytes, len(frame.vectors), frame.key))
    times, sizes, vectors, keys = zip(*rows, strict=True)
    return FrameTable(types, np.array(times), np.array(sizes, np.int64), np.array(vectors, np.int64), np.array(keys, np.bool_))
