"""Evenly spaced tokens: the control that looks at nothing. Keeps exactly the budget."""

import torch

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, keep


def uniform(inputs: ReducerInput) -> Reduced:
    """The tokens at the centres of K equal parts of the reading order."""
    count, total = inputs.budget, inputs.frames * inputs.per_frame
    return keep(inputs, (torch.arange(count, device=inputs.tokens.device) * 2 + 1) * total // (2 * count))


REDUCER = Reducer(uniform)
