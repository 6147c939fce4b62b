"""Bin-max: the best frame of each of K equal parts of the video (TSPO's inference on Video-MME)."""

from itertools import pairwise

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput


def bin_max(inputs: SelectorInput) -> Indices:
    """Arg-max of the similarity to the best query in each of K parts of (nearly) equal length; ties: the earlier frame."""
    scores = inputs.best()
    edges = np.arange(inputs.budget + 1) * inputs.frames // inputs.budget
    return np.array([start + int(np.argmax(scores[start:end])) for start, end in pairwise(edges)], dtype=np.int64)
