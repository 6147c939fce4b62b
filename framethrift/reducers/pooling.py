"""Adaptive average pooling of token grids, axis by axis, with what went where."""

import torch
from torch import Tensor


def bins(size: int, wanted: int) -> Tensor:
    """(wanted, size) float64 weights of torch's adaptive pooling: bin i averages floor(i n / k) to ceil((i + 1) n / k)."""
    place = torch.arange(size)
    starts = torch.arange(wanted) * size // wanted
    ends = -(-(torch.arange(wanted) + 1) * size // wanted)
    inside = (place >= starts[:, None]) & (place < ends[:, None])
    return inside.double() / inside.sum(dim=1, keepdim=True)


def pool_frames(tokens: Tensor, grid: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Tokens (T, h · w, d) of grid (h, w) → (T, h' · w', d) of `wanted` (h', w'): averages of adaptive boxes."""
    planes = tokens.unflatten(1, grid)
    for axis, (size, now) in enumerate(zip(grid, wanted, strict=True), start=1):
        if now != size:
            weights = bins(size, now).to(planes)
            planes = torch.tensordot(weights, planes, dims=([1], [axis])).movedim(0, axis)
    return planes.flatten(1, 2)


def pool_pairs(sizes: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Pairs (P,), (P,): which cells of a grid of `sizes` go into which box of the `wanted` grid, both in reading order."""
    origin, into = torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    for size, now in zip(sizes, wanted, strict=True):
        box, cell = bins(size, now).nonzero(as_tuple=True)
        origin = (origin[:, None] * size + cell).flatten()
        into = (into[:, None] * now + box).flatten()
    return origin, into


def pool_places(sizes: tuple[int, ...], wanted: tuple[int, ...]) -> Tensor:
    """(boxes, len(sizes)) float64 centres of the boxes, in reading order."""
    centres = [bins(size, now) @ torch.arange(size, dtype=torch.float64) for size, now in zip(sizes, wanted, strict=True)]
    return torch.cartesian_prod(*centres).view(-1, len(sizes))
