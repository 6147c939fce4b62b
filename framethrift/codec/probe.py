"""Facts about a file, and whether it is a video at all."""

from dataclasses import dataclass
from pathlib import Path

from framethrift.codec.index import read_index
from framethrift.codec.pictures import rotation_of
from framethrift.codec.source import open_video


@dataclass(frozen=True)
class VideoFacts:
    """What a video file is.

    Attributes:
        container: FFmpeg's name of the container format.
        codec: FFmpeg's name of the codec.
        width, height: stored size in pixels, before rotation.
        fps: average frames per second.
        frames: number of packets that show a frame.
        duration: seconds from the first frame to the end of the last.
        rotation: degrees counter-clockwise that the container asks for (0, 90, 180, 270).
        has_b_frames: whether the stream declares reordered frames.
        has_audio: whether there is an audio stream.
    """

    path: Path
    container: str
    codec: str
    width: int
    height: int
    fps: float
    frames: int
    duration: float
    rotation: int
    has_b_frames: bool
    has_audio: bool


def probe(path: str | Path) -> VideoFacts:
    """Read all packets and decode the first frame.

    Raises:
        VideoRejected: missing, empty_file, unreadable, no_video_stream, truncated, corrupt, one_frame. Damage inside later
            frames is found by whoever decodes them.
    """
    with open_video(path) as source:
        index = read_index(source)
        declared = source.stream.frames
        if declared > 1 and len(index.pts) < 2:
            raise source.reject("truncated", f"the container declares {declared} frames and holds {len(index.pts)}")
        first = next(source.frames())
        if len(index.pts) < 2:
            raise source.reject("one_frame", "the video holds a single frame")
        duration = float((index.end - int(index.pts[0])) * source.time_base)
        return VideoFacts(
            path=Path(path),
            container=source.container.format.name,
            codec=source.codec,
            width=first.width,
            height=first.height,
            fps=float(source.stream.average_rate or len(index.pts) / duration),
            frames=len(index.pts),
            duration=duration,
            rotation=rotation_of(first),
            has_b_frames=bool(source.stream.codec_context.has_b_frames),
            has_audio=bool(source.container.streams.audio),
        )
