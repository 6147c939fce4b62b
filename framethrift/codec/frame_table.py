"""Per frame: type, time, bytes, number of motion vectors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from framethrift.codec.source import open_video
from framethrift.codec.vectors import vectors_of


@dataclass(frozen=True)
class FrameTable:
    """One row per frame in display order.

    Attributes:
        types: "I", "P", "B" or "S" (MPEG-4 sprites), list of n.
        times: seconds from the first frame, float64 (n,).
        bytes: size of the frame's packet, int64 (n,); a free measure of how much happens in it.
        vectors: number of motion vectors exported, int64 (n,); 0 for I-frames and for codecs that export none.
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
    times: list[float] = []
    vectors: list[int] = []
    keys: list[bool] = []
    sizes: dict[int | None, int] = {}
    sizes_in_order: list[int] = []
    with open_video(path, vectors=True) as source:
        for packet in source.demux():
            if packet.size:
                sizes[packet.pts] = packet.size
            for frame in source.decode(packet):
                types.append(PictureType(frame.pict_type).name)
                times.append(source.time_of(frame))
                found = vectors_of(frame)
                vectors.append(0 if found is None else len(found))
                keys.append(frame.key_frame)
                sizes_in_order.append(sizes.pop(frame.pts, 0))
        source.check_complete()
    start = np.array(times) - times[0]
    return FrameTable(types, start, np.array(sizes_in_order, np.int64), np.array(vectors, np.int64), np.array(keys, np.bool_))
