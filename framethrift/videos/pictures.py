"""A video that is published as a folder of pictures."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def pictures_in(folder: Path) -> list[Path]:
    """The folder's pictures in the order of the numbers in their names (frame 2 before frame 10)."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
    return sorted(found, key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)])


def read_pictures(paths: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """RGB frames (H, W, 3) of the first picture's size, cut to even sides, which H.264 needs.

    Raises OSError for a file that is no picture, ValueError when sizes differ.
    """
    size: tuple[int, int] | None = None
    for path in paths:
        with Image.open(path) as picture:
            size = size or picture.size
            if picture.size != size:
                raise ValueError(f"{path}: is {picture.size}, the first frame {size}")
            frame = np.asarray(picture.convert("RGB"))
        yield frame[: size[1] // 2 * 2, : size[0] // 2 * 2]
