"""DyCoke's dynamic pruning while an answer is written (arXiv 2411.15024, Sec. 3.3).

At every written token, layer L's attention of that token, averaged over heads, ranks the visual tokens; the layers above look
at the best 1 − p of them only. The choice is made anew when the attention over visual tokens turns (cosine with the step before
below 0.9). What is not looked at stays in the cache, for it may be wanted again: memory is not saved. Knob: 1 − p, to the token;
the release's README says p = 0.7, its code 0.8. The paper takes L = 3. The method's other part is the reducer `dycoke`.
"""

import torch
from torch import Tensor

from framethrift.reducers.fastv import most
from framethrift.reducers.layers import AtLayer, LayerReducer
from framethrift.reducers.protocol import cosine

TURN = 0.9


class DyCokeDecode(LayerReducer):
    """`share` of the visual tokens looked at above layer `layer` by what is written."""

    def __init__(self, *, share: float, layer: int = 3, turn: float = TURN) -> None:
        self._share, self._layer, self._turn = share, layer, turn
        self.layers = layer + 2
        self._kept: Tensor | None = None
        self._before: Tensor | None = None

    def processed(self, at: AtLayer) -> None:
        """A new prompt forgets what the last answer looked at."""
        if at.index == 0:
            self._kept = self._before = None

    def attended(self, at: AtLayer) -> Tensor | None:
        """Everything up to layer L, the chosen ones above."""
        if at.index != self._layer:
            return self._kept if at.index > self._layer else None
        attention = at.attention()[:, : at.frames.shape[1]].masked_fill(~at.visual, 0.0)
        chosen = most(attention, at.visual, self._share) | ~at.visual
        if self._kept is not None and self._before is not None:
            turned = cosine(attention, self._before) < self._turn
            chosen = torch.where(turned[:, None], chosen, self._kept)
        self._kept, self._before = chosen, attention
        return None


REDUCER = DyCokeDecode
