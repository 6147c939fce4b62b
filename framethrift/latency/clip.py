"""The clip that latency is measured on: procedural, of any length, encoded to the study's recipe."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec import encode_frames
from framethrift.config.recipe import Recipe
from framethrift.evaluation.questions import EncodedVideo

# Where a recipe keeps the source's size, the clip gets the size of a common web video.
WIDTH, HEIGHT = 640, 360


def timed_clip(folder: Path, recipe: Recipe, seconds: float) -> EncodedVideo:
    """Encode a clip of `seconds` into `folder`; what it shows depends on its size, rate and length only."""
    width, height = (recipe.width, recipe.height) if recipe.width and recipe.height else (WIDTH, HEIGHT)
    frames = max(2, round(seconds * recipe.fps))
    encoded = encode_frames(_pictures(frames, width, height, recipe.fps), folder / "timed.mp4", recipe)
    return EncodedVideo.of("timed", encoded)


def _pictures(frames: int, width: int, height: int, fps: float) -> Iterator[NDArray[np.uint8]]:
    """Two textured squares that circle over a textured, still background, once in four seconds."""
    rng = np.random.default_rng(0)
    background = rng.integers(90, 130, (height, width, 3), dtype=np.uint8)
    side = min(width, height) // 4
    squares = rng.integers((40, 120, 200), (90, 170, 250), (2, side, side, 3), dtype=np.uint8)
    for number in range(frames):
        picture = background.copy()
        for square, phase in zip(squares, (0.0, np.pi), strict=True):
            angle = phase + 2 * np.pi * number / (4 * fps)
            left = round((width - side) * (1 + 0.8 * np.cos(angle)) / 2)
            top = round((height - side) * (1 + 0.8 * np.sin(angle)) / 2)
            picture[top : top + side, left : left + side] = square
        yield picture
