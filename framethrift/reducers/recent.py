"""The newest frames, whole: the control that every memory must beat (SimpleStream, arXiv 2604.02317).

Knob: N frames. Grain: a frame, at least one.
"""

import torch

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, keep


def recent(inputs: ReducerInput, *, frames: int | None = None) -> Reduced:
    """All tokens of the last `frames` frames, by default as many as the budget holds."""
    count = min(inputs.frames, frames or max(1, inputs.budget // inputs.per_frame))
    first = (inputs.frames - count) * inputs.per_frame
    last = torch.arange(first, inputs.frames * inputs.per_frame, device=inputs.tokens.device)
    return keep(inputs, last, {"frames": count})


REDUCER = Reducer(recent, fixes=("frames",), floor=lambda frames, per_frame: per_frame)
