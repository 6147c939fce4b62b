"""What a file's packets say without decoding: times, sizes, key frames, digest."""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framethrift.codec.source import Source, open_video


@dataclass(frozen=True)
class PacketIndex:
    """The packets of a video stream in presentation order.

    Attributes:
        pts: presentation times in units of the stream's time base, int64 (n,).
        sizes: bytes, int64 (n,).
        key: whether decoding can start here, bool (n,).
        end: presentation end of the last packet, same unit as ``pts``.
    """

    pts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    key: NDArray[np.bool_]
    end: int

    @property
    def keyframes(self) -> list[int]:
        """Frame numbers of the key frames."""
        return np.flatnonzero(self.key).tolist()


def read_index(source: Source, *, complete: bool = False) -> PacketIndex:
    """Read all packets of an open source and go back to its start.

    Raises ``VideoRejected`` if none has a time, or, with ``complete``, if there are fewer than the container declares.
    """
    rows = []
    step = 0
    for packet in source.demux():
        if packet.size and not packet.is_discard:
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None:
                raise source.reject("timestamps", "the packets carry no timestamps; remux the file into mp4 or mkv")
            rows.append((pts, packet.size, packet.is_keyframe))
            step = packet.duration or step
    if not rows:
        raise source.reject("corrupt", "the video stream holds no packets")
    if complete:
        source.check_packets()
    rows.sort()
    source.seek(rows[0][0])
    table = np.array(rows, np.int64)
    return PacketIndex(table[:, 0].copy(), table[:, 1].copy(), table[:, 2] > 0, rows[-1][0] + step)


def gop_frames(source: Source, index: PacketIndex, number: int) -> Iterator[VideoFrame]:
    """The frames of one GOP in display order; only they, and what they need, are decoded.

    Raises:
        VideoRejected: the file is bad.
    """
    ends = [*index.keyframes, len(index.pts)]
    first, after = ends[number], ends[number + 1]
    # Where frames are reordered, containers find the wanted place only roughly: from the key frame before.
    source.seek(int(index.pts[ends[number - 1 if number and source.stream.codec_context.has_b_frames else number]]))
    end = int(index.pts[after]) if after < len(index.pts) else index.end + 1
    return source.frames_between(int(index.pts[first]), end, after - first)


def stream_digest(path: str | Path) -> str:
    """SHA-256 over a video stream's header, and over time, size and bytes of each packet in file order.

    The container around them is left out, so that a rewritten header changes nothing and a damaged packet everything.

    Raises:
        VideoRejected: the file cannot be read to its end.
    """
    digest = hashlib.sha256()
    with open_video(path) as source:
        digest.update(source.stream.codec_context.extradata or b"")
        for packet in source.demux():
            if packet.size:
                digest.update(struct.pack("<qq", packet.pts if packet.pts is not None else -1, packet.size))
                digest.update(bytes(packet))
    return digest.hexdigest()
