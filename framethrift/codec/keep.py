"""Keeping a source's own stream instead of re-encoding it, where a recipe allows that and the stream qualifies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from framethrift.codec.encoded import Encoded, describe
from framethrift.codec.gops import VECTOR_CODECS
from framethrift.codec.index import read_index
from framethrift.codec.pictures import rotation_of
from framethrift.codec.source import Source, open_video
from framethrift.codec.writer import frame_rate
from framethrift.config.recipe import Recipe
from framethrift.files import file_digest, partial_path

KEPT = "none (the source's own stream)"
# Containers round times; a frame may be off its tick by this share of a frame.
_TICK_SLACK = 0.25


def why_not_kept(path: str | Path, recipe: Recipe) -> str | None:
    """Why a file's stream cannot stand for its re-encoding under this recipe; None when it can. Decodes the whole file.

    It qualifies with a codec whose motion vectors can be read, one frame per tick of the recipe's frame rate, the recipe's
    size if that has one, no turn asked for by the container, no GOP above the recipe's (shorter ones stay as they are), and no
    B-frames unless the recipe allows them.

    Raises:
        VideoRejected: the file is damaged.
    """
    with open_video(path) as source:
        if source.codec not in VECTOR_CODECS:
            return f"{source.codec} exports no motion vectors"
        index = read_index(source, complete=True)
        ticks = (index.pts - index.pts[0]) * float(source.time_base * frame_rate(recipe))
        keys = [*index.keyframes, len(index.pts)]
        longest = max((after - first for first, after in pairwise(keys)), default=0)
        if len(index.pts) < 2 or abs(ticks - range(len(ticks))).max() > _TICK_SLACK:
            return f"its frames are not {recipe.fps:g} per second"
        if keys[0] or longest > recipe.gop:
            return (
                f"its GOPs have up to {longest} frames, the recipe's {recipe.gop}" if not keys[0] else "no key frame at its start"
            )
        return _why_not_decoded(source, recipe, keys[:-1])


def _why_not_decoded(source: Source, recipe: Recipe, keyframes: list[int]) -> str | None:
    timeless = False

    def note(packet: Packet) -> None:
        nonlocal timeless
        timeless |= packet.size > 0 and packet.pts is None

    source.on_packet = note
    found, sizes, b_frames, turned = [], set(), False, False
    for number, frame in enumerate(source.frames()):
        sizes.add((frame.width, frame.height))
        b_frames |= frame.pict_type == PictureType.B
        turned |= rotation_of(frame) != 0
        if frame.key_frame:
            found.append(number)
    if turned:
        return "the container asks for a turn"
    if len(sizes) > 1 or (recipe.width is not None and sizes != {(recipe.width, recipe.height)}):
        return f"its size is {' and '.join(f'{width}x{height}' for width, height in sorted(sizes))}"
    if b_frames and not recipe.b_frames:
        return "it holds B-frames (recipe.b_frames allows them)"
    if timeless or found != keyframes:
        return "its container does not give the time of each frame, or marks other frames as key frames than the stream"
    return None


@contextmanager
def _copied(path: Path, partial: Path) -> Iterator[None]:
    """The video stream alone, packet by packet, in an MP4 that is there while the block runs."""
    try:
        with open_video(path) as source, av.open(str(partial), "w", "mp4", container_options={"fflags": "+bitexact"}) as copy:
            stream = copy.add_stream_from_template(source.stream)
            assert isinstance(stream, VideoStream)
            for packet in source.demux():
                if packet.size and not packet.is_discard:
                    packet.stream = stream
                    copy.mux(packet)
        yield
    finally:
        partial.unlink(missing_ok=True)


def keep_stream(source: str | Path, target: str | Path, recipe: Recipe) -> Encoded | None:
    """Copy a source's stream to ``target`` if it qualifies; else None, and nothing is written.

    The packets are copied as they are, so that the pictures and vectors are the source's; sound is dropped. The target appears
    only when complete.

    Raises:
        VideoRejected: the source is damaged.
    """
    path, target = Path(source), Path(target)
    if why_not_kept(path, recipe):
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(target)
    with _copied(path, partial):
        with open_video(partial) as copy:
            b_frames = any(frame.pict_type == PictureType.B for frame in copy.frames())
        encoded = describe(partial, target, recipe, file_digest(path), KEPT, b_frames=b_frames)
        os.replace(partial, target)
    return encoded
