"""Uniform sampling: the centres of K equal parts of the video."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput


def uniform(inputs: SelectorInput) -> Indices:
    """Frame floor((i + 1/2) · T / K) for i = 0 … K−1."""
    return anchors(inputs.frames, inputs.budget)


def anchors(frames: int, budget: int) -> Indices:
    """(budget,) centres of `budget` equal parts of `frames` frames."""
    return ((2 * np.arange(budget, dtype=np.int64) + 1) * frames) // (2 * budget)
