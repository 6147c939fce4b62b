"""CurveStream: frames kept where the video's path through feature space moves or bends (arXiv 2603.19571, Sec. 3).

Motion M = 1 − cos(F_t, F_t−1), curvature C = 1 − cos(F_t − F_t−1, F_t−1 − F_t−2), score M + λ C (λ = 0.2). Against running mean μ
and deviation σ of the score, a frame at μ + k₂ σ or above stays clear, one at μ + k₁ σ or above is blurred (pooled as 384 to 224
pixels), any other is discarded; the question's frame, the last one, is always clear. The oldest frames leave when memory is full.
The paper does not print its decay, k₁ and k₂ ("must be swept"): decay 0.9 and k₂ = k₁ + 1 here, and the knob is k₁. The memory
holds the budget, or `queue` frames. Grain: frames, clear or blurred. Floor: the last frame.
Its features are DINOv2-small's; here a frame's feature is the mean of its tokens, so that every method sees the same. No code was
published. The first two frames lack neighbours and a score; the third starts the running averages and so is clear.
"""

import torch
from torch import Tensor

from framethrift.reducers.budget import bisect
from framethrift.reducers.pooling import pool_frames, pool_pairs, pool_places
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, cosine

BLUR = 224 / 384
RANGE = 5.0
DISCARDED, BLURRED, CLEAR = 0, 1, 2


def curvestream(
    inputs: ReducerInput,
    *,
    k: float | None = None,
    gap: float = 1.0,
    decay: float = 0.9,
    curvature: float = 0.2,
    queue: int | None = None,
) -> Reduced:
    """Clear and blurred frames; `k` is k₁, `gap` k₂ − k₁, `decay` the running averages', `curvature` λ, `queue` N_max."""
    rows, columns = inputs.grid
    small = max(1, round(BLUR * rows)), max(1, round(BLUR * columns))
    cost = torch.tensor([0, small[0] * small[1], inputs.per_frame])
    scores = _scores(inputs.tokens.float().mean(dim=1), curvature)

    def levels(knob: float) -> Tensor:
        return _levels(scores, inputs.frames, knob, knob + gap, decay)

    if k is None:
        k = -bisect(lambda knob: int(cost[levels(-knob)].sum()), -RANGE, RANGE, inputs.budget)
        room = max(inputs.budget, inputs.per_frame)
        level = levels(k)
        newest = cost[level].flip(0).cumsum(0).flip(0)
        level[newest > room] = DISCARDED
    else:
        level = levels(k)
    if queue is not None:
        level[(level > 0).flip(0).cumsum(0).flip(0) > queue] = DISCARDED
    return _shown(inputs, level, small, {"k": k, "gap": gap})


def _scores(features: Tensor, curvature: float) -> list[float]:
    """Scores M + λ C of the frames from the third on."""
    if len(features) < 3:
        return []
    directions = torch.nn.functional.normalize(features, dim=1)
    steps = directions[1:] - directions[:-1]
    moved = (steps[1:].norm(dim=1) > 0) & (steps[:-1].norm(dim=1) > 0)
    bend = torch.where(moved, 1 - cosine(steps[1:], steps[:-1]), 0.0)
    return (1 - cosine(features[2:], features[1:-1]) + curvature * bend).tolist()


def _levels(scores: list[float], frames: int, low: float, high: float, decay: float) -> Tensor:
    """(T,) DISCARDED, BLURRED or CLEAR, from running mean and variance that include the frame itself."""
    found = [DISCARDED] * frames
    mean, variance = scores[0] if scores else 0.0, 0.0
    for frame, score in enumerate(scores, start=frames - len(scores)):
        mean = decay * mean + (1 - decay) * score
        variance = decay * variance + (1 - decay) * (score - mean) ** 2
        deviation = variance**0.5
        found[frame] = CLEAR if score >= mean + high * deviation else BLURRED if score >= mean + low * deviation else DISCARDED
    found[-1] = CLEAR
    return torch.tensor(found)


def _shown(inputs: ReducerInput, level: Tensor, small: tuple[int, int], knobs: dict[str, float]) -> Reduced:
    """Frames in temporal order, clear ones whole, blurred ones pooled to `small`."""
    device = inputs.tokens.device
    tokens, places, origin, into = [], [], [], []
    count = 0
    for frame in level.nonzero()[:, 0].tolist():
        size = inputs.grid if level[frame] == CLEAR else small
        tokens.append(pool_frames(inputs.tokens[frame : frame + 1], inputs.grid, size)[0])
        spots = pool_places(inputs.grid, size).to(device)
        places.append(torch.cat([spots.new_full((len(spots), 1), frame), spots], dim=1))
        cell, box = (part.to(device) for part in pool_pairs(inputs.grid, size))
        origin.append(frame * inputs.per_frame + cell)
        into.append(count + box)
        count += size[0] * size[1]
    return Reduced(torch.cat(tokens), torch.cat(places), torch.cat(origin), torch.cat(into), knobs)


REDUCER = Reducer(curvestream, fixes=("k", "queue"), floor=lambda frames, per_frame: per_frame)
