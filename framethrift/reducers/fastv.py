"""FastV: after layer K the visual tokens that the prompt's last token looked at least are gone (arXiv 2403.06764, Sec. 4).

The scores are the attention of the layer before (K − 1 of layers counted from 0), averaged over heads, in the row of the last
prompt token. Layers below K read everything; the kept tokens keep their positions; what is written later sees the same tokens.
Knob: the share 1 − R of visual tokens left from layer K on, to the token. The paper takes K = 2, or 3 where it is compared.
"""

import torch
from torch import Tensor

from framethrift.reducers.layers import AtLayer, LayerReducer
from framethrift.reducers.protocol import ReductionError


class FastV(LayerReducer):
    """`share` of the visual tokens from layer `layer` on."""

    def __init__(self, *, share: float, layer: int = 2) -> None:
        if layer < 1:
            raise ReductionError(f"layer: {layer}; allowed: at least 1, whose layer before gives the attention")
        self._share, self._layer = share, layer
        self.layers = layer + 1
        self._kept: Tensor | None = None

    def processed(self, at: AtLayer) -> Tensor | None:
        """As the paper: all before layer K, then the same few."""
        if at.index == self._layer - 1:
            self._kept = most(at.attention(), at.visual, self._share) | ~at.visual
        return None if at.index < self._layer else self._kept


def most(scores: Tensor, among: Tensor, share: float) -> Tensor:
    """(B, L) bool: in every row the `share` (rounded down, at least one) of the tokens `among` (B, L) with the largest scores."""
    ranks = scores.masked_fill(~among, -torch.inf).argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    counts = among.sum(dim=1, keepdim=True)
    wanted = (counts * share + 1e-6).floor().clamp(min=1).minimum(counts)
    return among & (ranks < wanted)


def most_of_each(scores: Tensor, groups: Tensor, share: float) -> Tensor:
    """(B, L) bool: `most` of the tokens of every group by itself; `groups` (B, L) int64, -1 for tokens in none."""
    kept = torch.zeros_like(groups, dtype=torch.bool)
    for group in range(int(groups.max()) + 1):
        kept |= most(scores, groups == group, share)
    return kept


REDUCER = FastV
