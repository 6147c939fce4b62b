"""LLaVA-Scissor: semantic connected components, in space and then in time (arXiv 2506.21862, Sec. 3).

Tokens of a frame with a cosine above τ are connected; every component becomes the mean of its members. The means of all frames
are connected and averaged once more, and at last every original token is added to the representative closest to it:
(sum + representative) / (number + 1). A component stands where its best connected member stands, and comes in the order of these.
With more than ln N / ε² tokens, edges start from a random sample of that many only (ε = 0.05: never within a frame of 196).
Knob: τ (0.9 in the release). Grain: components that join together. The release takes members by `parent == root` without
compressing all paths and so loses deep ones; a complete union-find is used here.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from torch import Tensor

from framethrift.reducers.close_pairs import close_pairs
from framethrift.reducers.graph import components
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, group_means, unit

EPSILON = 0.05
TINY = 1e-12
PROBES = 12
MARGIN = 0.1
CLOSE = 0.98  # of the budget: near enough to stop looking
ABOVE = 1.0 + 1e-6
SLACK = 1e-6  # cosines are compared in float32
ASSIGNED_AT_ONCE = 2048


def llava_scissor(inputs: ReducerInput, *, threshold: float | None = None, epsilon: float = EPSILON) -> Reduced:
    """One token per component; `threshold` is τ, by default what the budget asks for."""
    search = Components(inputs, epsilon)
    found = search.driven() if threshold is None else search.at(threshold)
    anchors, tokens = found
    owner = _nearest(inputs.flat(), tokens)
    numbers = torch.bincount(owner, minlength=len(tokens))[:, None].to(tokens.dtype)
    sums = torch.zeros_like(tokens).index_add_(0, owner, inputs.flat().float())
    merged = (sums + tokens) / (numbers + 1)
    # A representative stands for its anchor even where every token is closer to another one.
    count = torch.arange(len(tokens), device=owner.device)
    empty = (numbers[:, 0] == 0).nonzero()[:, 0]
    origin = torch.cat([torch.arange(len(owner), device=owner.device), anchors[empty]])
    into = torch.cat([owner, count[empty]])
    return Reduced(merged.to(inputs.tokens.dtype), inputs.places()[anchors], origin, into, {"threshold": search.threshold})


class Components:
    """Components of one video at any threshold; what the thresholds share is computed once."""

    def __init__(self, inputs: ReducerInput, epsilon: float) -> None:
        self._inputs, self._epsilon, self.threshold = inputs, epsilon, 1.0
        tokens = inputs.tokens.float()
        # Lengths divide the products and not the tokens, of which there would be a second copy.
        inverse = 1 / torch.linalg.vector_norm(tokens, dim=2).clamp_min(TINY)
        self._likeness = (tokens @ tokens.transpose(1, 2)) * inverse[:, :, None] * inverse[:, None, :]
        self._generator = torch.Generator()

    def driven(self) -> tuple[Tensor, Tensor]:
        """Anchors and means at the highest threshold found that stays within the budget.

        Time only joins components, so a threshold with few enough in space is a safe start. Between there and one, the logarithm
        of the number grows about evenly with the threshold, which is where the next one is looked for.
        """
        budget, most = self._inputs.budget, self._inputs.frames * self._inputs.per_frame
        if budget == most:
            return self.at(ABOVE)
        low, high = self._cut(budget), ABOVE
        best, above = self.at(low), most
        for _ in range(PROBES):
            if len(best[1]) >= CLOSE * budget:
                break
            way = math.log(budget / len(best[1])) / math.log(above / len(best[1]))
            threshold = low + min(max(way, MARGIN), 1 - MARGIN) * (high - low)
            found = self.at(threshold)
            if len(found[1]) <= budget:
                low, best = threshold, found
            else:
                high, above = threshold, len(found[1])
        self.threshold = low
        return best

    def at(self, threshold: float) -> tuple[Tensor, Tensor]:
        """(R,) the original tokens where components stand, and (R, d) float32 their means, after space and time."""
        self.threshold = threshold
        roots, degrees = self._spatial(threshold)
        tokens = self._inputs.flat().float()
        anchors, means = _collapsed(roots, degrees, tokens)
        again, degree = (torch.from_numpy(part).to(means.device) for part in self._temporal(means, threshold))
        chosen, joined = _collapsed(again, degree, means)
        return anchors[chosen], joined

    def _spatial(self, threshold: float) -> tuple[Tensor, Tensor]:
        """(T · M,) roots of all frames' components and the tokens' degrees."""
        size = self._inputs.per_frame
        rows = self._sample(size)
        adjacent = (self._likeness[:, rows] > threshold).cpu().numpy()
        found = [components(frame, rows.cpu().numpy()) for frame in adjacent]
        roots = np.concatenate([own + index * size for index, (own, _) in enumerate(found)])
        degrees = np.concatenate([own for _, own in found])
        return torch.from_numpy(roots).to(rows.device), torch.from_numpy(degrees).to(rows.device)

    def _cut(self, wanted: int) -> float:
        """The threshold at which there are `wanted` components in space, from the heights at which single linkage joins them."""
        size = self._inputs.per_frame
        joins = self._inputs.frames * size - wanted
        if size == 1 or joins > self._inputs.frames * (size - 1):
            return -ABOVE
        above = torch.triu_indices(size, size, 1)
        distances = (1 - self._likeness[:, above[0], above[1]]).clamp_min(0).cpu().double().numpy()
        joined = np.concatenate([1 - linkage(frame, "single")[:, 2] for frame in distances])
        return float(np.sort(joined)[::-1][joins - 1]) - SLACK if joins else ABOVE

    def _temporal(self, means: Tensor, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Roots and degrees of the components of all frames' means (R, d)."""
        directions = unit(means)
        rows = self._sample(len(means))
        adjacent = close_pairs(directions, rows, threshold)
        return components(adjacent.cpu().numpy(), rows.cpu().numpy())

    def _sample(self, size: int) -> Tensor:
        """Vertices whose edges are looked at: all, or a random sample of ln N / ε²."""
        device = self._inputs.tokens.device
        most = math.ceil(math.log(size) / self._epsilon**2) if size > 1 else 1
        if most >= size:
            return torch.arange(size, device=device)
        drawn = torch.randperm(size, generator=self._generator.manual_seed(self._inputs.seed))[:most]
        return drawn.sort().values.to(device)


def _collapsed(roots: Tensor, degrees: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """(R,) each component's member of highest degree (the first of equals), increasing, and (R, d) means in that order."""
    _, group, sizes = roots.unique(return_inverse=True, return_counts=True)
    # The first member of a group in order of (group, -degree, vertex) is its anchor.
    order = (-degrees).argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    anchors = order[sizes.cumsum(0) - sizes]
    rank = anchors.argsort()
    return anchors[rank], group_means(values, group, sizes)[rank]


def _nearest(tokens: Tensor, representatives: Tensor) -> Tensor:
    """(n,) the representative with the highest cosine to each token."""
    directions = unit(representatives).T.to(tokens.dtype)
    # The length of a token changes no order: its direction is not needed.
    return torch.cat([(part @ directions).argmax(dim=1) for part in tokens.split(ASSIGNED_AT_ONCE)])


REDUCER = Reducer(llava_scissor, fixes=("threshold",))
