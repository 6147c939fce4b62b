"""An opened video file whose damage does not pass silently.

FFmpeg conceals most damage: it logs an error, or marks the frame as corrupt, and goes on. ``Source`` therefore watches the
log and the marks of every packet, and compares the frames it got with what the container promised.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import Flags2
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from framethrift.codec.cut import is_cut
from framethrift.codec.errors import VideoRejected

# Codecs in which one packet is one frame; VP8, VP9 and AV1 have packets that are never shown.
_ONE_FRAME_PER_PACKET = {"mpeg4", "h264", "hevc", "mpeg1video", "mpeg2video", "mjpeg"}
# An MPEG-4 packet this small says "repeat the last frame" (a VOP that is not coded) and need not give a frame.
_NOT_CODED_BYTES = 8
# Containers whose declared duration was written, not estimated from the file size.
_DECLARED_DURATION = ("mov", "matroska", "avi")
# Declared durations are rounded, and encoders' delays are counted differently by different writers.
_DURATION_SLACK = 0.5
_TRUNCATION_MESSAGES = ("partial file", "prematurely")


class ErrorsLogged:
    """Makes FFmpeg log errors while the block runs, once for each.

    The level is one for all threads: the first block to open sets it and the last one to close puts it back.
    """

    _lock = threading.Lock()
    _open = 0
    _before: tuple[int | None, bool]

    def __enter__(self) -> None:
        with ErrorsLogged._lock:
            if ErrorsLogged._open == 0:
                ErrorsLogged._before = av.logging.get_level(), av.logging.get_skip_repeated()
                av.logging.set_level(av.logging.ERROR)
                av.logging.set_skip_repeated(False)
            ErrorsLogged._open += 1

    def __exit__(self, *exception: object) -> None:
        with ErrorsLogged._lock:
            ErrorsLogged._open -= 1
            if ErrorsLogged._open == 0:
                level, skip = ErrorsLogged._before
                av.logging.set_skip_repeated(skip)
                av.logging.set_level(level)


class _ErrorLog(ErrorsLogged):
    """Collects what FFmpeg logs as errors on this thread while the block runs."""

    def __enter__(self) -> list[tuple[int, str, str]]:  # type: ignore[override]
        super().__enter__()
        self._capture = av.logging.Capture()
        return self._capture.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._capture.__exit__(None, None, None)
        super().__exit__()


def _reason(path: Path, text: str, otherwise: str) -> str:
    return "truncated" if is_cut(path) or any(message in text for message in _TRUNCATION_MESSAGES) else otherwise


def _messages(logs: list[tuple[int, str, str]]) -> str:
    return "; ".join(dict.fromkeys(text.strip() for _, _, text in logs[:8]))


class Source:
    """The video stream of one open file, decoded by one thread (frame threads would lose vectors and log messages)."""

    def __init__(self, path: Path, container: InputContainer, stream: VideoStream) -> None:
        self.path = path
        self.container = container
        self.stream = stream
        self.time_base = stream.time_base or Fraction(1, 1000)
        # FFmpeg's name of the codec, not of the decoder ("av1", not "libdav1d").
        self.codec = stream.codec_context.codec.canonical_name
        self._packets = 0
        self._expected = 0
        self._frames = 0
        self._keyed = False
        # Called with each packet before it is decoded.
        self.on_packet: Callable[[Packet], None] | None = None
        self._again: Packet | None = None
        self._ends: dict[int, int] = {}

    def reject(self, reason: str, detail: str) -> VideoRejected:
        """The error for this file."""
        return VideoRejected(self.path, reason, detail)

    def demux(self) -> Iterator[Packet]:
        """Packets of the video stream from the current position, then one empty packet that flushes the decoder."""
        packets = self.container.demux()
        while True:
            with _ErrorLog() as logs:
                try:
                    packet = next(packets, None)
                except av.FFmpegError as error:
                    text = _messages(logs) or str(error)
                    raise self.reject(
                        _reason(self.path, text, "corrupt"), f"reading stopped after {self._packets} packets: {text}"
                    ) from error
            if logs:
                text = _messages(logs)
                raise self.reject(_reason(self.path, text, "corrupt"), f"damaged after {self._packets} packets: {text}")
            if packet is None:
                return
            self._note_end(packet)
            # Not ``packet.stream_index``: it is 0 in the empty packets that flush every decoder.
            if packet.stream is self.stream:
                self._count(packet)
                yield packet

    def _note_end(self, packet: Packet) -> None:
        if packet.pts is not None:
            end = packet.pts + (packet.duration or 0)
            self._ends[packet.stream_index] = max(end, self._ends.get(packet.stream_index, end))

    def _count(self, packet: Packet) -> None:
        if packet.size == 0:
            return
        self._packets += 1
        if self._again is None and packet.is_keyframe and self.codec == "mpeg4":
            self._again = packet
        self._keyed |= packet.is_keyframe
        not_coded = self.codec == "mpeg4" and packet.size <= _NOT_CODED_BYTES
        if self._keyed and not packet.is_discard and not not_coded:
            self._expected += 1

    def decode(self, packet: Packet | None) -> list[VideoFrame]:
        """Frames that the decoder gives for one packet; raises ``VideoRejected`` on the first sign of damage."""
        if self.on_packet is not None and packet is not None:
            self.on_packet(packet)
        with _ErrorLog() as logs:
            try:
                frames = self.stream.decode(packet)
            except av.FFmpegError as error:
                text = _messages(logs) or str(error)
                raise self.reject(
                    _reason(self.path, text, "corrupt"), f"frame {self._frames} cannot be decoded: {text}"
                ) from error
        if logs:
            text = _messages(logs)
            raise self.reject(_reason(self.path, text, "corrupt"), f"frame {self._frames} is damaged: {text}")
        for frame in frames:
            if frame.is_corrupt:
                raise self.reject("corrupt", f"frame {self._frames} is damaged (the decoder concealed errors in it)")
            self._frames += 1
        return frames

    def frames(self) -> Iterator[VideoFrame]:
        """Every frame of the file in display order; the file is checked for completeness at the end."""
        for packet in self.demux():
            yield from self.decode(packet) if packet.size else self._drain(packet)
        self.check_complete()

    def frames_between(self, first: int, end: int, count: int) -> Iterator[VideoFrame]:
        """The ``count`` frames shown from ``first``, a key frame's time, until before ``end`` (in ``time_base`` units).

        Frames shown before ``first`` are not decoded, nor is more than these ``count`` frames need: B-frames at the end of
        the stretch need the key frame after it.
        """
        given = fed = 0
        for packet in self.demux():
            pts = packet.pts if packet.pts is not None else packet.dts
            if packet.size == 0 or pts is None:
                break
            if pts < first:
                continue
            fed += pts < end and not packet.is_discard
            shown = self.decode(packet)
            if fed == count:
                shown += self._drain(None)
            for frame in shown:
                if frame.pts is None or first <= frame.pts < end:
                    given += 1
                    yield frame
            if fed == count:
                break
        if given != count:
            raise self.reject("corrupt", f"{count} packets gave {given} frames")

    def _drain(self, flush: Packet | None) -> list[VideoFrame]:
        """The frames that the decoder holds back.

        FFmpeg's MPEG-4 decoder gives the last one without its vectors, unless another frame is decoded after it: the first key
        frame is, once more, and not given.
        """
        if self._again is None or not self.stream.codec_context.has_b_frames:
            return self.decode(flush)
        frames = self.decode(self._again) + self.decode(flush)
        self._frames -= 1
        return frames[:-1]

    def time_of(self, frame: VideoFrame) -> float:
        """Presentation time of a frame in seconds, raises ``VideoRejected`` when it has none."""
        if frame.pts is None:
            raise self.reject("timestamps", "a frame has no timestamp; remux the file into mp4 or mkv")
        return frame.pts * self.time_base.numerator / self.time_base.denominator

    def check_complete(self) -> None:
        """Compare what was read and decoded, from first to last packet, with what the container declares."""
        self.check_packets()
        if self.codec in _ONE_FRAME_PER_PACKET and self._frames < self._expected:
            raise self.reject("corrupt", f"{self._expected} packets gave only {self._frames} frames")
        if self._frames == 0:
            raise self.reject("corrupt", "no frame can be decoded")

    def check_packets(self) -> None:
        """Compare what was read, from first to last packet, with what the container declares."""
        declared = self.stream.frames
        if declared and self._packets < declared:
            raise self.reject("truncated", f"the container declares {declared} frames and holds {self._packets}")
        if self.container.duration is not None and self.container.format.name.startswith(_DECLARED_DURATION):
            streams = [stream for stream in self.container.streams if stream.type in ("video", "audio")]
            seen = max(float(self._ends.get(stream.index, 0) * (stream.time_base or 0)) for stream in streams)
            declared_end = ((self.container.start_time or 0) + self.container.duration) / av.time_base
            if seen < declared_end - _DURATION_SLACK:
                detail = f"the container declares {declared_end:.2f} s and its streams end at {seen:.2f} s"
                raise self.reject("truncated", detail)

    def seek(self, pts: int) -> None:
        """Go to the last key frame at or before ``pts`` (in ``time_base`` units); counting starts anew."""
        try:
            self.container.seek(pts, stream=self.stream, backward=True)
        except av.FFmpegError as error:
            raise self.reject("corrupt", f"cannot seek to {float(pts * self.time_base):.3f} s: {error}") from error
        self._packets = self._expected = self._frames = 0
        self._keyed = False


@contextmanager
def open_video(path: str | Path, *, vectors: bool = False) -> Iterator[Source]:
    """Open the first real video stream of a file (cover pictures are not video).

    Args:
        path: the file.
        vectors: ask the decoder for motion vectors.

    Raises:
        VideoRejected: missing, empty_file, unreadable, truncated, no_video_stream.
    """
    path = Path(path)
    if not path.is_file():
        raise VideoRejected(path, "missing", "there is no such file")
    if path.stat().st_size == 0:
        raise VideoRejected(path, "empty_file", "the file has no bytes")
    with _ErrorLog() as logs:
        try:
            # With its protocol, or a name with a colon would be taken for an address.
            container = av.open(f"file:{path}", metadata_errors="replace")
        except (av.FFmpegError, OSError) as error:
            text = _messages(logs) or error.strerror or str(error)
            raise VideoRejected(path, _reason(path, text, "unreadable"), f"not a readable video file: {text}") from error
    # Found while opening, and only there: a Matroska file whose damaged part would be passed over as one huge packet.
    if any("Truncating packet" in text for _, _, text in logs):
        container.close()
        raise VideoRejected(path, "corrupt", f"the file is damaged: {_messages(logs)}")
    with container:
        streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        if not streams:
            raise VideoRejected(path, "no_video_stream", "the file holds no video stream")
        stream = streams[0]
        context = stream.codec_context
        if context is None or not context.width or not context.height:
            raise VideoRejected(path, "unreadable", "the video stream has no known codec or picture size")
        context.thread_type = "NONE"
        context.thread_count = 1
        if vectors:
            context.flags2 |= Flags2.export_mvs
        yield Source(path, container, stream)
