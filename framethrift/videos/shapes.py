"""Coloured, textured shapes and the backgrounds they move on."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 55, 55),
    "green": (55, 165, 65),
    "blue": (60, 85, 215),
    "yellow": (215, 195, 50),
}
SHAPES = ("square", "disc", "triangle", "cross", "ring", "bar")

_GREY = 110
_CELL = 3
_OVERSAMPLING = 4


@lru_cache(maxsize=64)
def mask(shape: str, size: int) -> FloatArray:
    """Coverage (size, size) of a shape that fills its box, 0 to 1, with smooth edges."""
    fine = size * _OVERSAMPLING
    axis = (np.arange(fine) + 0.5) / fine * 2 - 1
    y, x = np.meshgrid(axis, axis, indexing="ij")
    radius = np.hypot(x, y)
    inside = {
        "square": np.full_like(x, True, dtype=bool),
        "disc": radius <= 1,
        "triangle": np.abs(x) <= (y + 1) / 2,
        "cross": (np.abs(x) <= 0.38) | (np.abs(y) <= 0.38),
        "ring": (radius <= 1) & (radius >= 0.55),
        "bar": np.abs(y) <= 0.3,
    }[shape]
    blocks = inside.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def noise(height: int, width: int, amplitude: int, rng: np.random.Generator) -> FloatArray:
    """Block noise (height, width) in ± amplitude grey levels: cells of 3 pixels, so that motion search finds real vectors."""
    cells = rng.uniform(-amplitude, amplitude, (-(-height // _CELL), -(-width // _CELL))).astype(np.float32)
    return cells.repeat(_CELL, axis=0).repeat(_CELL, axis=1)[:height, :width]


def background(height: int, width: int, amplitude: int, rng: np.random.Generator) -> FloatArray:
    """A grey textured background (height, width, 3)."""
    return np.repeat(_GREY + noise(height, width, amplitude, rng)[:, :, None], 3, axis=2)


def sprite(shape: str, colour: tuple[int, int, int], size: int, amplitude: int, rng: np.random.Generator) -> FloatArray:
    """A textured shape (size, size, 4): colour times coverage, then coverage."""
    cover = mask(shape, size)[:, :, None]
    paint = np.array(colour, np.float32) + noise(size, size, amplitude, rng)[:, :, None]
    return np.concatenate([np.clip(paint, 0, 255) * cover, cover], axis=2)


def paste(frame: FloatArray, painted: FloatArray, x: float, y: float, opacity: float = 1.0) -> None:
    """Lay a sprite over `frame` (H, W, 3) in place, its box's corner at (x, y) pixels; fractions are interpolated.

    The box, rounded up to whole pixels, must lie inside the frame.
    """
    left, top = int(np.floor(x)), int(np.floor(y))
    shifted = _shift(painted, x - left, y - top) if (x != left or y != top) else painted
    height, width = shifted.shape[:2]
    region = frame[top : top + height, left : left + width]
    if region.shape[:2] != (height, width) or left < 0 or top < 0:
        raise ValueError(
            f"a sprite of {width} x {height} pixels at ({x}, {y}) leaves the frame of {frame.shape[1]} x {frame.shape[0]}"
        )
    region *= 1 - opacity * shifted[:, :, 3:]
    region += opacity * shifted[:, :, :3]


def _shift(painted: FloatArray, dx: float, dy: float) -> FloatArray:
    height, width, channels = painted.shape
    grown = np.zeros((height + 1, width + 1, channels), np.float32)
    for rows, weight_y in ((slice(0, height), 1 - dy), (slice(1, height + 1), dy)):
        for columns, weight_x in ((slice(0, width), 1 - dx), (slice(1, width + 1), dx)):
            grown[rows, columns] += np.float32(weight_y * weight_x) * painted
    return grown


def smudge(colour: tuple[int, int, int], size: int) -> FloatArray:
    """A blurred spot (size, size, 4) of a colour, without the outline of any shape; as `sprite`."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    cover = 0.8 * np.exp(-((axis[:, None] ** 2 + axis[None, :] ** 2) / 0.25))[:, :, None]
    return np.concatenate([np.array(colour, np.float32) * cover, cover], axis=2).astype(np.float32)
