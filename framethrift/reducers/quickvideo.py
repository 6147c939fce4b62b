"""QuickVideo's group prefill: of every group of frames only the keys of small norm stay (arXiv 2505.16175, Sec. 3.3).

Frames are read in groups of 16. After each layer of a group, of its visual tokens those with the smallest keys (L2 norm over all
key-value heads) stay in that layer's cache; the groups behind and the answer see only these. Knob: the share kept (`top_p`), to
the token per group; the README's example keeps 64 tokens per group instead, and a release option lets the share decay over
layers. The whole prompt is read in one pass with a mask that has the groups' effect: the result and the cache are those of
reading them one after the other, the time to the first token is not.
"""

from torch import Tensor

from framethrift.reducers.fastv import most_of_each
from framethrift.reducers.layers import AtLayer, LayerReducer

GROUP = 16


class QuickVideo(LayerReducer):
    """`share` of every group of `group` frames in every layer's cache."""

    def __init__(self, *, share: float, group: int = GROUP) -> None:
        self._share, self._group = share, group

    def groups(self, at: AtLayer) -> Tensor:
        """Groups of frames; text between frames belongs to the one before it, the question behind them is a group of its own."""
        groups = at.frames.cummax(dim=1).values.clamp(min=0) // self._group
        behind = at.visual.flip(1).cumsum(dim=1).flip(1) == 0
        return groups + behind.long()

    def remembered(self, at: AtLayer) -> Tensor:
        """Text, and each group's visual tokens with the smallest keys."""
        groups = self.groups(at).masked_fill(~at.visual, -1)
        return most_of_each(-at.key_norms(), groups, self._share) | ~at.visual


REDUCER = QuickVideo
