"""DyCoke's temporal token merging (arXiv 2411.15024, Sec. 3.2): what repeats at the same place is dropped.

In windows of four frames, the second is compared with the first, the fourth with the third, and then the third with the first;
of a compared frame the 1 − k tokens least similar to their counterparts stay. "Merging" is dropping. Knob: k, as a whole number
of tokens kept per compared frame. Grain: one token per compared frame. Floor: the first frame of every window stays whole.
The release leaves the third frame of the last window as it is and loses an odd last frame; the option `release` does so too.
The decoding part of the method is `dycoke_decode`.
"""

import torch

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, cosine, keep

WINDOW = 4


def dycoke(inputs: ReducerInput, *, k: float | None = None, release: bool = False) -> Reduced:
    """What is new in three of four frames; `k` is the share dropped of a compared frame, by default what the budget asks for."""
    if k is not None and not 0 <= k <= 1:
        raise ReductionError(f"k: {k}; allowed: 0 to 1")
    frames = inputs.frames - inputs.frames % 2 if release and inputs.frames > 1 else inputs.frames
    compared = [t for t in range(frames) if t % WINDOW]
    if release:  # the last window's third frame is not reduced
        compared = [t for t in compared if t % WINDOW != 2 or t + WINDOW < frames]
    whole = (frames - len(compared)) * inputs.per_frame
    if k is None:
        stay = min(inputs.per_frame, max(0, inputs.budget - whole) // max(1, len(compared)))
    else:
        stay = round((1 - k) * inputs.per_frame)
    kept = torch.zeros((inputs.frames, inputs.per_frame), dtype=torch.bool, device=inputs.tokens.device)
    kept[:frames] = True
    if compared:
        reference = [t - 2 if t % WINDOW == 2 else t - 1 for t in compared]
        likeness = cosine(inputs.tokens[compared], inputs.tokens[reference])
        kept[compared] = False
        new = likeness.sort(dim=1, stable=True).indices[:, :stay]
        kept[compared] = kept[compared].scatter(1, new, True)
    return keep(inputs, kept, {"k": 1 - stay / inputs.per_frame})


REDUCER = Reducer(
    dycoke,
    fixes=("k", "release"),
    floor=lambda frames, per_frame: -(-frames // WINDOW) * per_frame,
)
