"""Oracle: frames from the annotated evidence, the upper bound of every selector."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectionError, SelectorInput, fill
from framethrift.selectors.uniform import anchors


def oracle(inputs: SelectorInput) -> Indices:
    """K frames spread over the evidence intervals in turn, each interval's at the centres of its equal parts.

    The first intervals get the remainder; with more intervals than frames, evenly chosen intervals give their middle.
    Frames still missing come first from inside the evidence, then from uniform anchors.
    Raises SelectionError without evidence.
    """
    if not inputs.evidence:
        raise SelectionError("evidence: the oracle needs the question's annotated evidence; this question has none")
    evidence = sorted((float(start), float(end)) for start, end in inputs.evidence)
    if len(evidence) > inputs.budget:
        evidence = [evidence[index] for index in anchors(len(evidence), inputs.budget)]
    points: list[float] = []
    for index, (start, end) in enumerate(evidence):
        count = inputs.budget // len(evidence) + (index < inputs.budget % len(evidence))
        points += [start + (part + 0.5) / count * (end - start) for part in range(count)]
    chosen = np.maximum(np.searchsorted(inputs.timestamps, points, side="right") - 1, 0)
    inside = np.zeros(inputs.frames, dtype=bool)
    for start, end in evidence:
        inside |= (inputs.timestamps >= start) & (inputs.timestamps <= end)
    rest = np.concatenate([np.flatnonzero(inside), anchors(inputs.frames, inputs.budget), np.arange(inputs.frames)])
    return fill(chosen, rest, inputs.budget)
