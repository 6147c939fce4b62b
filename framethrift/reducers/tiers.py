"""What SAVEMem's tiers decide: which tokens of a frame are new, and how few of an old frame's tokens will do."""

import torch
from torch import Tensor
from torch.nn import functional

from framethrift.reducers.graph import components
from framethrift.reducers.protocol import unit

BINS = 128
SCENE_CHANGE = 1.5
FEW = 20  # survivors of a frame below which they are clustered instead of ranked


def neighbour_likeness(tokens: Tensor, others: Tensor, grid: tuple[int, int]) -> Tensor:
    """(n, M) highest cosine of each token of frames (n, M, d) with the 3 x 3 tokens around its place in `others`."""
    rows, columns = grid
    here = unit(tokens).unflatten(1, grid)
    around = functional.pad(unit(others).unflatten(1, grid), (0, 0, 1, 1, 1, 1))
    inside = functional.pad(torch.ones(grid, dtype=torch.bool, device=tokens.device), (1, 1, 1, 1))
    best = here.new_full(here.shape[:3], -1.0)
    for down in range(3):
        for right in range(3):
            found = torch.linalg.vecdot(here, around[:, down : down + rows, right : right + columns])
            best = torch.where(inside[down : down + rows, right : right + columns], torch.maximum(best, found), best)
    return best.flatten(1)


def otsu(distances: Tensor) -> Tensor:
    """(n, 1) Otsu thresholds of rows of distances (n, M) in [0, 2], of 128 bins: the lower edge of the upper class."""
    bins = (distances * (BINS / 2)).long().clamp(0, BINS - 1)
    counts = torch.zeros((len(distances), BINS), device=distances.device).scatter_add_(1, bins, torch.ones_like(distances))
    share = counts / distances.shape[1]
    centres = (torch.arange(BINS, device=distances.device) + 0.5) * (2 / BINS)
    below, moment = share.cumsum(1)[:, :-1], (share * centres).cumsum(1)
    total = moment[:, -1:]
    between = (total * below - moment[:, :-1]).square() / (below * (1 - below)).clamp_min(1e-12)
    return (between.argmax(dim=1, keepdim=True) + 1) * (2 / BINS)


def news(tokens: Tensor, semantic: Tensor, grid: tuple[int, int]) -> Tensor:
    """(T − 1, M) bool: tokens of all frames (T, M, d) but the last that the middle tier keeps.

    A token stays when its distance to the next or to the previous frame is at least that frame's Otsu threshold; and unless the
    scene changes (mean distance above 1.5 times the running mean), goes when the next frame repeats it too well for its meaning.
    """
    ahead = neighbour_likeness(tokens[:-1], tokens[1:], grid)
    distance = 1 - ahead
    fresh = distance >= otsu(distance)
    back = 1 - neighbour_likeness(tokens[1:-1], tokens[:-2], grid)
    fresh[1:] |= back >= otsu(back)
    mean = distance.mean(dim=1)
    running = mean.cumsum(0) / torch.arange(1, len(mean) + 1, device=mean.device)
    change = torch.zeros_like(mean, dtype=torch.bool)
    change[1:] = mean[1:] > SCENE_CHANGE * running[:-1]
    return fresh & ((ahead <= 0.8 + 0.15 * semantic[:-1]) | change[:, None])


def ranked(kept: Tensor, semantic: Tensor, grid: tuple[int, int]) -> Tensor:
    """(M,) bool: of the `kept` cells (M,) the share 0.15 + 0.25 · mean meaning, dealt over the four quadrants by meaning."""
    cells = kept.nonzero()[:, 0]
    wanted = max(1, round(len(cells) * (0.15 + 0.25 * float(semantic[cells].mean().clamp(0, 1)))))
    quadrant = (cells // grid[1] >= (grid[0] + 1) // 2) * 2 + (cells % grid[1] >= (grid[1] + 1) // 2).long()
    by_meaning = semantic[cells].argsort(descending=True, stable=True)
    order, quadrants = cells[by_meaning], quadrant[by_meaning]
    chosen = torch.cat([order[quadrants == number][: wanted // 4] for number in range(4)])
    rest = order[~torch.isin(order, chosen)][: wanted - len(chosen)]
    stay = torch.zeros_like(kept)
    stay[chosen] = stay[rest] = True
    return stay


def clustered(kept: Tensor, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """(M,) int64: for each of the `kept` cells (M,) the cell that its cluster stands at, −1 elsewhere.

    Kept neighbours (3 x 3) closer than Otsu's threshold of all such pairs are one cluster, at the member nearest its mean.
    """
    cells = kept.nonzero()[:, 0]
    directions = unit(tokens[cells])
    distance = 1 - directions @ directions.T
    row, column = cells // grid[1], cells % grid[1]
    near = ((row[:, None] - row).abs() <= 1) & ((column[:, None] - column).abs() <= 1)
    near.fill_diagonal_(False)
    if near.any():
        near &= distance < otsu(distance[near][None])
    roots = torch.from_numpy(components(near.cpu().numpy(), torch.arange(len(cells)).numpy())[0]).to(cells.device)
    into = torch.full_like(kept, -1, dtype=torch.int64)
    for root in roots.unique():
        members = (roots == root).nonzero()[:, 0]
        values = tokens[cells[members]].float()
        nearest = members[(values - values.mean(dim=0)).norm(dim=1).argmin()]
        into[cells[members]] = cells[nearest]
    return into
