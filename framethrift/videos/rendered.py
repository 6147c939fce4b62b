"""A rendered video of a procedural world, before it gets its name and its rows in the tables."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Question:
    """A question as the tables hold it; evidence in seconds, from the first to the last frame that shows it."""

    benchmark: str
    type: str
    question: str
    answer: str
    options: tuple[str, ...]
    evidence: tuple[tuple[float, float], ...]
    queries: tuple[str, ...] = ()


@dataclass(frozen=True)
class RenderedVideo:
    """RGB frames uint8 (n, H, W, 3), frames per second, questions, and captions as (seconds, text)."""

    frames: NDArray[np.uint8]
    fps: float
    questions: tuple[Question, ...]
    captions: tuple[tuple[float, str], ...]
