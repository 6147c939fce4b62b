"""Which of many directions are close: every pair is decided, but most need no look.

Directions are grouped around some of themselves. Angles obey the triangle inequality, so groups whose centres are further apart
than their radii and the angle asked for hold no close pair, and are skipped whole.
"""

import math

import torch
from torch import Tensor

FEW = 2048  # directions for which grouping costs more than it saves
CENTRES, ROUNDS = 256, 3
REACH = math.radians(30)  # a direction further than this from every centre belongs to none
SLACK = 2e-3  # radians: more than float32 loses
ROWS_AT_ONCE = 512


def close_pairs(directions: Tensor, rows: Tensor, threshold: float) -> Tensor:
    """(n, N) bool: whether the cosine of the directions rows[i] and j, of (N, d) float32 of length one, is above `threshold`."""
    found = torch.zeros((len(rows), len(directions)), dtype=torch.bool, device=directions.device)
    if len(directions) < FEW or not -1 < threshold < 1:
        return _all(directions, rows, threshold, found)
    owner, centres, radius = _groups(directions)
    angles = (centres @ centres.T).clamp(-1, 1).arccos()
    near = angles - radius[:, None] - radius <= math.acos(threshold) + SLACK
    sizes = torch.bincount(owner, minlength=len(radius)).float()
    if sizes @ near.float() @ sizes > len(directions) ** 2 / 2:
        return _all(directions, rows, threshold, found)
    for group in owner[rows].unique().tolist():
        own = (owner[rows] == group).nonzero()[:, 0]
        others = near[group][owner].nonzero()[:, 0]
        found[own[:, None], others] = directions[rows[own]] @ directions[others].T > threshold
    return found


def _all(directions: Tensor, rows: Tensor, threshold: float, found: Tensor) -> Tensor:
    # A block of rows at a time, in the same memory: the cosines of all pairs would be four times the result.
    block = directions.new_empty((min(ROWS_AT_ONCE, len(rows)), len(directions)))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        torch.gt(
            torch.mm(directions[part], directions.T, out=block[: len(part)]), threshold, out=found[start : start + len(part)]
        )
    return found


def _groups(directions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(N,) group of each direction, (P, d) the groups' centres and (P,) their radii in radians.

    The last group holds what is near no centre; it has no radius, and is apart from nothing.
    """
    owner = torch.full((len(directions),), -1, device=directions.device)
    centres, radii, done = [], [], 0
    for _ in range(ROUNDS):
        left = (owner < 0).nonzero()[:, 0]
        chosen = _spread_out(directions[left[:: max(1, len(left) // CENTRES)]])
        cosines, nearest = (directions[left] @ chosen.T).max(dim=1)
        taken = cosines > math.cos(REACH)
        owner[left[taken]] = nearest[taken] + done
        angles = cosines[taken].clamp(max=1).arccos()
        radii.append(angles.new_zeros(len(chosen)).scatter_reduce_(0, nearest[taken], angles, "amax"))
        centres.append(chosen)
        done += len(chosen)
        if bool((owner >= 0).all()):
            break
    owner[owner < 0] = done
    last = directions.new_zeros((1, directions.shape[1]))
    return owner, torch.cat([*centres, last]), torch.cat([*radii, last.new_full((1,), math.inf)])


def _spread_out(directions: Tensor) -> Tensor:
    """Those of (n, d) directions that are not within reach of one before them."""
    close = (directions @ directions.T > math.cos(REACH)).cpu().numpy()
    kept: list[int] = []
    for index, row in enumerate(close):
        if not row[kept].any():
            kept.append(index)
    return directions[kept]
