"""Re-encoding to a recipe: I- and P-frames only, fixed GOP, constant frame rate, no audio (CoPE Sec. 4.1)."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framethrift.codec.encoded import Encoded, describe
from framethrift.codec.keep import keep_stream
from framethrift.codec.pictures import RgbReader, rotation_of
from framethrift.codec.resample import BrokenClock, constant_rate
from framethrift.codec.source import Source, open_video
from framethrift.codec.writer import StreamWriter, encoder_name, frame_rate
from framethrift.config.recipe import Recipe
from framethrift.files import file_digest, partial_path

# One macroblock, the unit that motion is described in.
SMALLEST_SIDE = 16


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
        encoded = _described(partial, target, recipe, count, source_sha256())
        os.replace(partial, target)
    except BaseException:
        if writer is not None:
            writer.abandon()
        partial.unlink(missing_ok=True)
        raise
    return encoded


def _described(partial: Path, target: Path, recipe: Recipe, count: int, source_sha256: str) -> Encoded:
    encoded = describe(partial, target, recipe, source_sha256, encoder_name(recipe), b_frames=False)
    if encoded.frames != count or encoded.keyframes != list(range(0, count, recipe.gop)):
        found = f"{encoded.frames} of {count} frames, key frames at {encoded.keyframes[:9]}"
        raise RuntimeError(f"{target}: the encoder wrote {found}")
    return encoded


def reencode(source: str | Path, target: str | Path, recipe: Recipe) -> Encoded:
    """Re-encode any video that FFmpeg reads.

    The recipe's frame rate is reached by taking, for each tick, the frame nearest in time; the container's rotation is applied;
    audio is dropped; the picture is stretched to the recipe's size, or keeps its own, less the last row or column of an odd
    size; colours become BT.601 in limited range, which is what an MPEG-4 stream without colour marks means. The target appears
    only when complete, and its bytes depend only on the source, the recipe and the encoder's build. With ``recipe.keep_source``
    a stream that qualifies is copied instead, see ``framethrift.codec.keep``.

    Raises:
        VideoRejected: the source is damaged, truncated, or holds fewer than two frames.
        ValueError: the target's suffix is not .mp4.
    """
    path, target = Path(source), Path(target)
    if target.suffix != ".mp4":
        raise ValueError(f"target {target} must end in .mp4")
    if recipe.keep_source and (kept := keep_stream(path, target, recipe)) is not None:
        return kept
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
