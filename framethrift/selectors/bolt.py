"""BOLT (CVPR 2025): inverse transform sampling of the sharpened similarity."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput, unit_range

POWER = 3.0


def bolt(inputs: SelectorInput) -> Indices:
    """Authors' rule: min-max, power 3, cumulative sum, and the frames at linspace(1/K, 1 − 1/K, K) of it.

    Power 3 is theirs for Video-MME and MLVU (2.5 for LongVideoBench). Repeats are kept, as in their code: a peaked
    similarity shows the same frame several times and K counts them all. Equal similarities leave nothing to sharpen:
    every frame weighs the same.
    """
    scores = unit_range(inputs.best()) ** POWER
    total = scores.sum()
    weights = scores / total if total > 0 else np.full(inputs.frames, 1 / inputs.frames)
    levels = np.linspace(1 / inputs.budget, 1 - 1 / inputs.budget, inputs.budget)
    # Rounding can leave the last cumulative value just below 1; K = 1 asks for the level 1 itself.
    found = np.minimum(np.searchsorted(np.cumsum(weights), levels), inputs.frames - 1)
    return np.sort(found).astype(np.int64)


def bolt_distinct(inputs: SelectorInput) -> Indices:
    """`bolt` with every repeat moved to the nearest frame not taken yet (the earlier one of two): K different frames."""
    frames = np.arange(inputs.frames)
    distance = np.zeros(inputs.frames)
    taken = np.zeros(inputs.frames, dtype=bool)
    for index in bolt(inputs):
        np.abs(frames - index, out=distance)
        distance[taken] = np.inf
        taken[np.argmin(distance)] = True
    return np.flatnonzero(taken).astype(np.int64)
