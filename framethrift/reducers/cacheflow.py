"""CacheFlow's token drop (arXiv 2511.13644): a patch as similar as τ to its predecessor is dropped.

The first frame stays whole and every later one keeps at least its least similar token. The paper packs the survivors into blocks
for a cache on the CPU; what is compared here is the drop. No code was published. Knob: τ (0.5 in the paper), found exactly.
Grain: tokens of equal similarity go together. Floor: the first frame and one token of every other.
"""

import torch

from framethrift.reducers.budget import threshold_for
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, cosine, keep


def cacheflow(inputs: ReducerInput, *, threshold: float | None = None) -> Reduced:
    """The first frame and what changed since, never nothing of a frame; `threshold` is τ, by default what the budget asks for."""
    likeness = cosine(inputs.tokens[1:], inputs.tokens[:-1])
    certain = torch.zeros_like(likeness, dtype=torch.bool)
    if len(likeness):
        certain.scatter_(1, likeness.argmin(dim=1, keepdim=True), True)
    if threshold is None:
        threshold = threshold_for(likeness[~certain], inputs.budget - inputs.per_frame - len(likeness))
    first = torch.ones((1, inputs.per_frame), dtype=torch.bool, device=likeness.device)
    return keep(inputs, torch.cat([first, certain | (likeness < threshold)]), {"threshold": threshold})


REDUCER = Reducer(cacheflow, fixes=("threshold",), floor=lambda frames, per_frame: per_frame + frames - 1)
