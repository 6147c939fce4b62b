"""What is recorded about one file of the codec stage."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from framethrift.codec.index import read_index, stream_digest
from framethrift.codec.source import open_video
from framethrift.codec.writer import frame_rate
from framethrift.config.recipe import Recipe


@dataclass(frozen=True)
class Encoded:
    """One file of the codec stage: the columns of the codec manifest that do not depend on the data set.

    ``keyframes`` are frame numbers, ``gop`` the most frames a GOP has (re-encoded: all but the last have as many), ``duration``
    seconds, ``stream_digest`` as in ``framethrift.codec.index``, and ``source_sha256`` the digest of the source file (of the
    RGB frames, for ``encode_frames``). ``encoder`` says which build wrote the stream, or that it is the source's own;
    ``b_frames`` whether it holds any.
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
    b_frames: bool


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 of what in a recipe decides the stream's bytes (the fusion window does not)."""
    fields = recipe.model_dump(mode="json", exclude={"window"})
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def describe(written: Path, target: Path, recipe: Recipe, source_sha256: str, encoder: str, *, b_frames: bool) -> Encoded:
    """What a complete file ``written``, soon to be ``target``, holds; raises ``VideoRejected`` if it cannot be read back."""
    with open_video(written) as source:
        index = read_index(source, complete=True)
        context = source.stream.codec_context
        width, height = context.width, context.height
    frames, rate = len(index.pts), frame_rate(recipe)
    return Encoded(
        path=target,
        frames=frames,
        fps=float(rate),
        gop=recipe.gop,
        window=recipe.window,
        width=width,
        height=height,
        duration=float(frames / rate),
        keyframes=index.keyframes,
        stream_digest=stream_digest(written),
        recipe_digest=recipe_digest(recipe),
        source_sha256=source_sha256,
        encoder=encoder,
        b_frames=b_frames,
    )
