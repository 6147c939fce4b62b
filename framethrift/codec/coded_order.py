"""In which order frames were coded, and which of them others may refer to: what FFmpeg's vectors leave out."""

from collections.abc import Iterator

from av.packet import Packet
from av.video.frame import PictureType, VideoFrame

from framethrift.codec.source import Source

# H.264 NAL units that hold a picture: a slice, and a slice of an IDR picture.
_SLICES = (1, 5)


def _nal_heads(data: bytes, length_bytes: int) -> Iterator[int]:
    """First byte of each NAL unit of a packet: length-prefixed ones, or with start codes when ``length_bytes`` is 0."""
    place = 0
    if length_bytes:
        while place + length_bytes < len(data):
            yield data[place + length_bytes]
            place += length_bytes + int.from_bytes(data[place : place + length_bytes])
        return
    while (place := data.find(b"\0\0\1", place)) >= 0 and place + 3 < len(data):
        yield data[place + 3]
        place += 3


class CodedOrder:
    """Remembers, from a stream's packets, what is needed about the frames that they will give."""

    def __init__(self, source: Source) -> None:
        self._source = source
        # Whether vectors of B-frames can be believed: FFmpeg's MPEG-4 decoder leaves in their place what was there before.
        self.b_vectors = source.codec != "mpeg4"
        extra = source.stream.codec_context.extradata or b""
        # In the avcC box, two bits say how long the length before each NAL unit is.
        self._length_bytes = (extra[4] & 3) + 1 if len(extra) > 4 and extra[0] == 1 else 0
        self._seen: dict[int, tuple[int, bool]] = {}
        self._count = 0

    def note(self, packet: Packet) -> None:
        """Look at the next packet, before it is decoded; raises ``VideoRejected`` (timestamps) when it has no time."""
        if packet.size == 0:
            return
        if packet.pts is None:
            detail = "B-frames cannot be put in order: the packets carry no presentation times; remux the file into mp4 or mkv"
            raise self._source.reject("timestamps", detail)
        heads = _nal_heads(bytes(packet), self._length_bytes) if self._source.codec == "h264" else ()
        slices = [head for head in heads if head & 31 in _SLICES]
        # A slice's head says in two bits whether later frames may refer to its picture; MPEG-4 has no such B-frames.
        self._seen[packet.pts] = (self._count, any(head >> 5 & 3 for head in slices))
        self._count += 1

    def of(self, frame: VideoFrame) -> tuple[int, bool]:
        """(place in coding order, whether other frames may refer to it)."""
        place, referred = self._seen.pop(-1 if frame.pts is None else frame.pts, (None, False))
        if place is None:
            raise self._source.reject("timestamps", f"no packet belongs to the frame at {frame.pts}; remux the file")
        return place, referred or frame.pict_type != PictureType.B
