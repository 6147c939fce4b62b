"""TimeChat-Online's differential token drop, by features (arXiv 2504.17343, Sec. 3.2).

A token is dropped when its cosine with the token at the same place of the frame before exceeds τ. The frame before is always the
full one, as in the release, never the last kept token. Knob: τ, found exactly (the budget's place among all similarities).
Grain: tokens of equal similarity go together. Floor: the first frame stays whole.
The release's `drop_absolute=False` reads τ as the share to drop of every later frame; the option `per_frame` does so too.
"""

import torch

from framethrift.reducers.budget import threshold_for
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, cosine, keep


def timechat_online(inputs: ReducerInput, *, threshold: float | None = None, per_frame: float | None = None) -> Reduced:
    """The first frame and what changed since; `threshold` is τ, by default what the budget asks for."""
    if per_frame is not None and (threshold is not None or not 0 <= per_frame <= 1):
        raise ReductionError(f"per_frame: {per_frame}; allowed: 0 to 1, and not together with threshold")
    likeness = cosine(inputs.tokens[1:], inputs.tokens[:-1])
    first = torch.ones((1, inputs.per_frame), dtype=torch.bool, device=likeness.device)
    if per_frame is not None:
        stay = round((1 - per_frame) * inputs.per_frame)
        order = likeness.sort(dim=1, stable=True).indices[:, :stay]
        kept = torch.zeros_like(likeness, dtype=torch.bool).scatter(1, order, True)
        return keep(inputs, torch.cat([first, kept]), {"per_frame": per_frame})
    if threshold is None:
        # Strictly below the limit is at most the next smaller number: the paper drops above τ.
        limit = likeness.new_tensor(threshold_for(likeness, inputs.budget - inputs.per_frame))
        threshold = float(torch.nextafter(limit, limit.new_tensor(-torch.inf)))
    return keep(inputs, torch.cat([first, likeness <= threshold]), {"threshold": threshold})


REDUCER = Reducer(timechat_online, fixes=("threshold", "per_frame"), floor=lambda frames, per_frame: per_frame)
