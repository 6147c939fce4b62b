"""AKS (CVPR 2025): recursive split of the timeline with top-k inside the parts."""

from collections.abc import Iterator

import numpy as np

from framethrift.selectors.protocol import Floats, Indices, SelectorInput, fill, largest, unit_range

THRESHOLD = 0.8
DEPTH = 5


def aks(inputs: SelectorInput) -> Indices:
    """Authors' rule with t1 = 0.8, t2 off and depth 5 (their Video-MME setting) on min-max scores.

    A part is kept whole when its best K scores lie t1 above its mean, else halved down to the depth; a part at depth d
    gives its best floor(K / 2^d) frames. Two deviations: the depth ends where a part would give no frame (theirs then
    returns too few), and frames still missing to K are the best free ones of the video, so that every selector shows K.
    """
    scores = unit_range(inputs.best())
    deepest = min(DEPTH, inputs.budget.bit_length() - 1)
    chosen = [
        start + largest(scores[start:end], inputs.budget >> depth)
        for start, end, depth in _parts(scores, 0, inputs.frames, 0, deepest, inputs.budget)
    ]
    return fill(np.concatenate(chosen), largest(scores, inputs.frames), inputs.budget)


def _parts(scores: Floats, start: int, end: int, depth: int, deepest: int, budget: int) -> Iterator[tuple[int, int, int]]:
    """Kept parts (start, end, depth) of scores[start:end], in time order."""
    part = scores[start:end]
    # As theirs: always the best K, also in a half, so that a part of at most K frames is split to the end.
    peaked = part[largest(part, budget)].mean() - part.mean() > THRESHOLD
    if peaked or depth == deepest or end - start < 2:
        yield start, end, depth
        return
    middle = start + (end - start) // 2
    yield from _parts(scores, start, middle, depth + 1, deepest, budget)
    yield from _parts(scores, middle, end, depth + 1, deepest, budget)
