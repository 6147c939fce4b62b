"""Random tokens: the control that spends no thought on which tokens. Keeps exactly the budget."""

import torch

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, keep


def random(inputs: ReducerInput) -> Reduced:
    """K tokens without replacement, all sets equally likely, drawn from the input's seed."""
    order = torch.randperm(inputs.frames * inputs.per_frame, generator=torch.Generator().manual_seed(inputs.seed))
    return keep(inputs, order[: inputs.budget].to(inputs.tokens.device))


REDUCER = Reducer(random)
