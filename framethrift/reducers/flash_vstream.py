"""Flash-VStream's memory operations (arXiv 2506.23825, Sec. 3): a coarse history and its most typical frames in detail.

Context synopsis memory (CSM): k-means of the frames' features pooled 2 x 2 (random start by the seed, 10 iterations, Euclidean),
centroids in the order of their members' mean time. Detail augmentation memory (DAM): of the heaviest clusters, half as many as
there are, the frame nearest to the centroid, at full resolution. The sequence is [DAM, CSM]; every slot keeps its real time.
Knob: the number of clusters. Grain: one cluster, and one frame for every second. Floor: one coarse slot.
The paper consolidates while the video streams in, and its model is trained with the memory; here the operations run once over the
frames of a question, with a frozen model. The earlier LLaVA version's abstract memory is a trained module and not part of this.
"""

import torch
from torch import Tensor

from framethrift.reducers.budget import bisect_steps
from framethrift.reducers.pooling import pool_frames, pool_pairs, pool_places
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, group_means

ITERATIONS = 10


def flash_vstream(inputs: ReducerInput, *, clusters: int | None = None) -> Reduced:
    """Detailed frames, then the coarse history; `clusters` in the history, by default as the budget asks."""
    rows, columns = inputs.grid
    coarse = (rows + 1) // 2, (columns + 1) // 2
    cells = coarse[0] * coarse[1]
    most = inputs.frames
    if clusters is None:
        clusters = bisect_steps(lambda n: n * cells + n // 2 * inputs.per_frame, 1, most, inputs.budget)
    small = pool_frames(inputs.tokens, inputs.grid, coarse)
    group, weights = weighted_clusters(small.flatten(1), min(clusters, most), inputs.seed)
    count = len(weights)
    centroids = group_means(small.flatten(1), group, weights)
    heaviest = weights.argsort(descending=True, stable=True)[: count // 2].sort().values
    detail = _typical(small.flatten(1), centroids, group, heaviest)

    device = inputs.tokens.device
    times = group_means(torch.arange(most, dtype=torch.float64, device=device)[:, None], group, weights)
    spots = pool_places(inputs.grid, coarse).to(device)
    history = torch.cat([times[:, None].expand(-1, cells, 1), spots.expand(count, -1, 2)], dim=2).flatten(0, 1)
    full = (detail[:, None] * inputs.per_frame + torch.arange(inputs.per_frame, device=device)).flatten()
    cell, box = (part.to(device) for part in pool_pairs(inputs.grid, coarse))
    frame = torch.arange(most, device=device)[:, None]
    origin = torch.cat([full, (frame * inputs.per_frame + cell).flatten()])
    into = torch.cat([torch.arange(len(full), device=device), (len(full) + group[:, None] * cells + box).flatten()])
    tokens = torch.cat([inputs.flat()[full], centroids.unflatten(1, (cells, -1)).flatten(0, 1).to(inputs.tokens.dtype)])
    return Reduced(tokens, torch.cat([inputs.places()[full], history]), origin, into, {"clusters": count})


def weighted_clusters(features: Tensor, clusters: int, seed: int) -> tuple[Tensor, Tensor]:
    """k-means of rows (T, d): (T,) cluster of each row, clusters in the order of their members' mean index, and their sizes.

    Distances come from the rows' inner products, so that an iteration costs T · clusters and not their width. A cluster that
    loses all its members is gone.
    """
    rows = len(features)
    if clusters >= rows:
        return torch.arange(rows, device=features.device), torch.ones(rows, dtype=torch.int64, device=features.device)
    wide = features.float() - features.float().mean(dim=0)
    products = wide @ wide.T
    start = torch.randperm(rows, generator=torch.Generator().manual_seed(seed))[:clusters].to(features.device)
    share = torch.nn.functional.one_hot(start, rows).T.to(products)  # (T, clusters): centroid = features.T @ share
    group = start.new_full((rows,), -1)
    for _ in range(ITERATIONS):
        # |x - c|² without |x|², which no choice depends on.
        distance = (share * (products @ share)).sum(dim=0) - 2 * products @ share
        nearest = distance.argmin(dim=1)
        if (nearest == group).all():
            break
        group = nearest
        members = torch.nn.functional.one_hot(group, clusters).to(products)
        sizes = members.sum(dim=0)
        share = torch.where(sizes > 0, members / sizes.clamp_min(1), share)
    _, group, sizes = group.unique(return_inverse=True, return_counts=True)
    times = group_means(torch.arange(rows, dtype=torch.float64, device=group.device)[:, None], group, sizes)[:, 0]
    order = times.argsort(stable=True)
    return order.argsort()[group], sizes[order]


def _typical(features: Tensor, centroids: Tensor, group: Tensor, wanted: Tensor) -> Tensor:
    """Of each wanted cluster the frame nearest to its centroid, in temporal order."""
    distance = torch.linalg.vector_norm(features - centroids[group], dim=1)
    order = distance.argsort(stable=True)
    nearest = [int(order[group[order] == cluster][0]) for cluster in wanted]
    return torch.tensor(sorted(nearest), dtype=torch.int64, device=features.device)


REDUCER = Reducer(flash_vstream, fixes=("clusters",), floor=lambda frames, per_frame: per_frame)
