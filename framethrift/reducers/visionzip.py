"""VisionZip per frame (arXiv 2412.04467): tokens that the encoder attends to, and averages of the rest.

Dominant tokens receive most attention at the encoder layer whose output the projector reads. The paper reads the CLS token's
attention; SigLIP has none, so it is the mean attention a token receives. Of the rest, evenly spaced targets each add the mean of
the tokens whose keys are closest to theirs. Dominant to contextual is 54 : 10. Knob: tokens per frame. Keeps exactly the budget
(a frame's share differs by at most one token; with fewer tokens than frames, evenly spaced frames have one).
As released, a contextual token is the sum of target and mean; the option `average` halves it to the scale of a token.
"""

import torch
from torch import Tensor

from framethrift.reducers.budget import spread
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, unit

DOMINANT, CONTEXTUAL = 54, 10


def visionzip(inputs: ReducerInput, *, average: bool = False) -> Reduced:
    """Dominant and contextual tokens of every frame, each where it or its target stands, in reading order."""
    if inputs.attention is None or inputs.keys is None:
        raise ReductionError("attention, keys: reducer 'visionzip' needs both")
    counts = torch.tensor(spread(min(inputs.budget, inputs.frames * inputs.per_frame), inputs.frames))
    tokens, slots, origin, into = [], [], [], []
    done = 0
    for count in sorted(set(counts.tolist()) - {0}):
        frames = (counts == count).nonzero()[:, 0].to(inputs.tokens.device)
        values, cells, owner = _frames(inputs.tokens[frames], inputs.attention[frames], inputs.keys[frames], count, average)
        tokens.append(values.flatten(0, 1))
        slots.append((frames[:, None] * inputs.per_frame + cells).flatten())
        row, cell = (owner >= 0).nonzero(as_tuple=True)
        origin.append(frames[row] * inputs.per_frame + cell)
        into.append(done + row * count + owner[row, cell])
        done += len(frames) * count
    slot = torch.cat(slots)
    order = slot.argsort()
    rank = order.argsort()
    places = inputs.places()[slot[order]]
    return Reduced(
        torch.cat(tokens)[order], places, torch.cat(origin), rank[torch.cat(into)], {"per_frame": inputs.budget / inputs.frames}
    )


def _frames(tokens: Tensor, attention: Tensor, keys: Tensor, count: int, average: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Of frames (n, M, d): tokens (n, count, d), the cells (n, count) they stand at, and (n, M) which of them a cell is in."""
    frames, size, _ = tokens.shape
    contextual = 0 if count in (1, size) else max(1, round(count * CONTEXTUAL / (DOMINANT + CONTEXTUAL)))
    order = attention.argsort(dim=1, descending=True, stable=True)
    dominant = order[:, : count - contextual].sort(dim=1).values
    rest = order[:, count - contextual :].sort(dim=1).values
    row = torch.arange(frames, device=tokens.device)[:, None]
    owner = torch.full((frames, size), -1, device=tokens.device)
    owner[row, dominant] = torch.arange(count - contextual, device=tokens.device)
    if not contextual:
        return tokens[row, dominant], dominant, owner
    step = max(1, rest.shape[1] // contextual)
    picked = torch.arange(0, rest.shape[1], step, device=tokens.device)[:contextual]
    others = torch.ones(rest.shape[1], dtype=torch.bool, device=tokens.device)
    others[picked] = False
    targets, merged = rest[:, picked], rest[:, others]
    direction = unit(keys)
    nearest = (direction[row, merged] @ direction[row, targets].transpose(1, 2)).argmax(dim=2)
    belongs = torch.nn.functional.one_hot(nearest, contextual).to(tokens.dtype)
    members = belongs.sum(dim=1)[..., None]
    means = belongs.transpose(1, 2) @ tokens[row, merged] / members.clamp_min(1)
    values = tokens[row, targets] + means
    if average:
        values = torch.where(members > 0, values / 2, values)
    owner[row, targets] = torch.arange(count - contextual, count, device=tokens.device)
    owner[row, merged] = count - contextual + nearest
    return torch.cat([tokens[row, dominant], values], dim=1), torch.cat([dominant, targets], dim=1), owner


REDUCER = Reducer(visionzip, needs=("attention", "keys"))
