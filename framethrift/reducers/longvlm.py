"""LongVLM's local features: token merging (ToMe) inside short segments (arXiv 2404.03384, Sec. 3.2).

Consecutive segments of 10 frames. In every round the tokens are dealt alternately to two sides, each token of the first finds its
most similar one on the second (cosine of the features averaged over 16 pseudo-heads), and the r most similar pairs become means
weighted by how many tokens they stand for. r is half of the tokens until the target is near, as in the published schedule
[1280, 640, 320, 160, 80, 40, 10] for 2,560 → 30. Knob: tokens per segment. Keeps exactly the budget. Floor: one per segment.
The order of tokens inside a segment is not preserved by the merging; they are put back in order of where they stand. The paper's
global tokens, CLS tokens of every encoder layer, do not exist in SigLIP.
"""

import torch
from torch import Tensor

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, merge, unit

SEGMENT = 10


def longvlm(inputs: ReducerInput, *, segment: int = SEGMENT, heads: int = 16, per_segment: int | None = None) -> Reduced:
    """Merged tokens of every segment of `segment` frames; `per_segment` of them, by default as the budget asks."""
    if inputs.tokens.shape[2] % heads:
        raise ReductionError(f"heads: {heads} do not divide the width {inputs.tokens.shape[2]}")
    starts = range(0, inputs.frames, segment)
    sizes = [min(segment, inputs.frames - start) * inputs.per_frame for start in starts]
    targets = _dealt(max(inputs.budget, len(sizes)), sizes) if per_segment is None else [per_segment] * len(sizes)
    counts = [min(size, target) for size, target in zip(sizes, targets, strict=True)]
    groups = torch.cat(
        [
            _merged(inputs.tokens[start : start + segment].flatten(0, 1), count, heads) + sum(counts[:number])
            for number, (start, count) in enumerate(zip(starts, counts, strict=True))
        ]
    )
    merged = merge(inputs, groups, sum(counts))
    segments = torch.arange(len(counts), device=groups.device).repeat_interleave(torch.tensor(counts, device=groups.device))
    order = _lexical(*merged.places.flip(1).T, segments)
    knobs = {"per_segment": sum(counts) / len(counts)}
    return Reduced(merged.tokens[order], merged.places[order], merged.origin, order.argsort()[merged.into], knobs)


def _dealt(budget: int, sizes: list[int]) -> list[int]:
    """The budget shared over segments by their sizes, at least one each."""
    total, room = sum(sizes), budget - len(sizes)
    shares = [1 + room * (size - 1) // max(1, total - len(sizes)) for size in sizes]
    for index in range(budget - sum(shares)):
        shares[index % len(sizes)] += 1
    return shares


def _merged(tokens: Tensor, target: int, heads: int) -> Tensor:
    """(n,) which of `target` groups each of the tokens (n, d) is merged into."""
    values, weights = tokens.float(), tokens.new_ones(len(tokens), dtype=torch.float32)
    into = torch.arange(len(tokens), device=tokens.device)
    while len(values) > target:
        into_next, values, weights = _round(values, weights, min(len(values) // 2, len(values) - target), heads)
        into = into_next[into]
    return into


def _round(values: Tensor, weights: Tensor, merged: int, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """One matching: where each of n tokens goes among n - merged, and their values and weights."""
    features = unit(values.view(len(values), heads, -1).mean(dim=1))
    likeness, partner = (features[::2] @ features[1::2].T).max(dim=1)
    order = likeness.argsort(descending=True, stable=True)
    gone, stay = order[:merged], order[merged:]
    firsts = torch.arange(0, len(values), 2, device=values.device)
    seconds = torch.arange(1, len(values), 2, device=values.device)
    into = torch.empty(len(values), dtype=torch.int64, device=values.device)
    into[firsts[stay]] = torch.arange(len(stay), device=values.device)
    into[seconds] = torch.arange(len(stay), len(stay) + len(seconds), device=values.device)
    into[firsts[gone]] = into[seconds[partner[gone]]]
    count = len(stay) + len(seconds)
    total = weights.new_zeros(count).index_add_(0, into, weights)
    sums = values.new_zeros((count, values.shape[1])).index_add_(0, into, values * weights[:, None])
    return into, sums / total[:, None], total


def _lexical(*keys: Tensor) -> Tensor:
    """Order by the last key, then the one before it, and so on."""
    order = torch.arange(len(keys[0]), device=keys[0].device)
    for key in keys:
        order = order[key[order].argsort(stable=True)]
    return order


REDUCER = Reducer(longvlm, fixes=("per_segment", "segment"), floor=lambda frames, per_frame: -(-frames // SEGMENT))
