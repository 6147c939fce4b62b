"""What every reducer's result must satisfy."""

import torch

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError


def require_valid(name: str, method: Reducer, inputs: ReducerInput, reduced: Reduced, *, driven: bool) -> None:
    """Raise ReductionError where a result breaks the protocol; `driven` says that the budget set the knob, so that it binds."""

    def broken(what: str) -> ReductionError:
        return ReductionError(f"reducer {name!r}: {what}")

    count, width = reduced.count, inputs.tokens.shape[2]
    if reduced.tokens.shape != (count, width) or reduced.tokens.dtype != inputs.tokens.dtype or not count:
        raise broken(f"tokens {reduced.tokens.dtype} {tuple(reduced.tokens.shape)}; expected at least one row of {width}")
    most = max(inputs.budget, method.floor(inputs.frames, inputs.per_frame))
    if driven and count > most:
        raise broken(f"{count} tokens for a budget of {inputs.budget} and a floor of {most}")
    last = torch.tensor([inputs.frames - 1, inputs.grid[0] - 1, inputs.grid[1] - 1], dtype=torch.float64)
    places = reduced.places.cpu()
    if places.shape != (count, 3) or not ((places >= -1e-9) & (places <= last + 1e-9)).all():
        raise broken(f"places {tuple(places.shape)} outside the {inputs.frames} x {inputs.grid[0]} x {inputs.grid[1]} video")
    total = inputs.frames * inputs.per_frame
    if reduced.origin.shape != reduced.into.shape or not ((reduced.origin >= 0) & (reduced.origin < total)).all():
        raise broken(f"origins {tuple(reduced.origin.shape)} that are not tokens of the video")
    members = torch.bincount(reduced.into, minlength=count)
    if len(members) != count or (members == 0).any():
        raise broken("a kept token that comes from no original token")
    if not torch.isfinite(reduced.tokens).all() and torch.isfinite(inputs.tokens).all():
        raise broken("a value that is not finite")
