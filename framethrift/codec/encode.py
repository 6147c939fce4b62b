"""Re-encoding to a recipe: I- and P-frames only, fixed GOP, constant frame rate, no audio (CoPE Sec. 4.1)."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framethrift.codec.files import partial_path
from framethrift.codec.index import file_digest, read_index, stream_digest
from framethrift.codec.pictures import RgbReader, rotation_of
from framethrift.codec.resample import BrokenClock, constant_rate
from framethrift.codec.source import Source, open_video
from framethrift.codec.writer import StreamWriter, encoder_name, frame_rate
from framethrift.config.recipe import Recipe

# One macroblock, the unit that motion is described in.
SMALLEST_SIDE = 16


@dataclass(frozen=True)
class Encoded:
    """One re-encoded file: the columns of the codec manifest that do not depend on the data set.

    ``keyframes`` are frame numbers, ``duration`` seconds, ``stream_digest`` as in ``framethrift.codec.index``, and
    ``source_sha256`` the digest of the source file (of the RGB frames, for ``encode_frames``).
    """

    path: Path
    frames: int
    fps: float
    gop: int
    window: int
    width: int
    height: int
    duration: float
    keyframes: list[int]
    stream_digest: str
    recipe_digest: str
    source_sha256: str
    encoder: str


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of what in a recipe decides the stream's bytes (the fusion window does not)."""
    fields = recipe.model_dump(mode="json", exclude={"window"})
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def _even(length: int) -> int:
    return length - length % 2


def _upright(source: Source) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Frames with their times, turned as the container asks."""
    rgb = RgbReader()
    rotation = None
    # AVI counts frames at a constant rate and does not know the order in which B-frames are shown.
    counted = source.stream.average_rate if source.container.format.name == "avi" else None
    for number, frame in enumerate(source.frames()):
        if rotation is None:
            rotation = rotation_of(frame)
        source.time_of(frame)
        time = number / counted if counted else frame.pts * source.time_base
        if rotation:
            frame = VideoFrame.from_ndarray(rgb.read_upright(frame, rotation), format="rgb24")
        yield time, frame


def _cropped(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Frames without the last column and row of an odd size (4:2:0 chroma needs even sizes; cropping does not resample)."""
    rgb = RgbReader()
    for frame in frames:
        if frame.width % 2 or frame.height % 2:
            picture = rgb.read(frame)[: _even(frame.height), : _even(frame.width)]
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        yield frame


def _encode(frames: Iterable[VideoFrame], target: Path, recipe: Recipe, source_sha256: Callable[[], str]) -> Encoded:
    if target.suffix != ".mp4":
        raise ValueError(f"target {target} must end in .mp4")
    if recipe.width is not None and recipe.height is not None and (recipe.width % 2 or recipe.height % 2):
        raise ValueError(f"recipe size {recipe.width}x{recipe.height}: width and height must be even")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(target)
    writer = None
    try:
        for frame in frames if recipe.width else _cropped(frames):
            if writer is None:
                writer = StreamWriter(partial, recipe, recipe.width or frame.width, recipe.height or frame.height)
            writer.write(frame)
        if writer is None:
            raise ValueError(f"no frames to encode into {target}")
        count = writer.finish()
        encoded = _describe(partial, target, recipe, count, source_sha256)
        os.replace(partial, target)
    except BaseException:
        if writer is not None:
            writer.abandon()
        partial.unlink(missing_ok=True)
        raise
    return encoded


def _describe(partial: Path, target: Path, recipe: Recipe, count: int, source_sha256: Callable[[], str]) -> Encoded:
    with open_video(partial) as source:
        index = read_index(source)
        context = source.stream.codec_context
        width, height = context.width, context.height
    keyframes = index.keyframes
    if len(index.pts) != count or keyframes != list(range(0, count, recipe.gop)):
        raise RuntimeError(f"{target}: the encoder wrote {len(index.pts)} of {count} frames, key frames at {keyframes[:9]}")
    rate = frame_rate(recipe)
    return Encoded(
        path=target,
        frames=count,
        fps=float(rate),
        gop=recipe.gop,
        window=recipe.window,
        width=width,
        height=height,
        duration=float(count / rate),
        keyframes=keyframes,
        stream_digest=stream_digest(partial),
        recipe_digest=recipe_digest(recipe),
        source_sha256=source_sha256(),
        encoder=encoder_name(recipe),
    )


def reencode(source: str | Path, target: str | Path, recipe: Recipe) -> Encoded:
    """Re-encode any video that FFmpeg reads.

    The recipe's frame rate is reached by taking, for each tick, the frame nearest in time; the container's rotation is applied;
    audio is dropped; the picture is stretched to the recipe's size, or keeps its own, less the last row or column of an odd
    size; colours become BT.601 in limited range, which is what an MPEG-4 stream without colour marks means. The target appears
    only when complete, and its bytes depend only on the source, the recipe and the encoder's build.

    Raises:
        VideoRejected: the source is damaged, truncated, or holds fewer than two frames.
        ValueError: the target's suffix is not .mp4, or the recipe's size is odd.
    """
    path, target = Path(source), Path(target)
    with open_video(path) as opened:
        sha256 = file_digest(path)
        counted = 0

        def timed() -> Iterator[tuple[Fraction, VideoFrame]]:
            nonlocal counted
            for item in _upright(opened):
                counted += 1
                if recipe.width is None and min(item[1].width, item[1].height) < SMALLEST_SIDE:
                    raise opened.reject(
                        "too_small", f"pictures of {item[1].width}x{item[1].height}; at least {SMALLEST_SIDE} a side"
                    )
                yield item
            if counted < 2:
                raise opened.reject("one_frame", "the video holds a single frame")

        try:
            return _encode(constant_rate(timed(), frame_rate(recipe)), target, recipe, lambda: sha256)
        except BrokenClock as error:
            raise opened.reject("timestamps", str(error)) from error


def encode_frames(frames: Iterable[NDArray[np.uint8]], target: str | Path, recipe: Recipe) -> Encoded:
    """Encode RGB pictures uint8 (H, W, 3), one per tick of ``recipe.fps``, as ``reencode`` would.

    Raises:
        ValueError: no frames, or frames of another shape or type.
    """
    digest = hashlib.sha256()

    def hashed() -> Iterator[VideoFrame]:
        for frame in frames:
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise ValueError(f"frames must be uint8 (H, W, 3), not {frame.dtype} {frame.shape}")
            frame = np.ascontiguousarray(frame)
            digest.update(frame.tobytes())
            yield VideoFrame.from_ndarray(frame, format="rgb24")

    return _encode(hashed(), Path(target), recipe, digest.hexdigest)
