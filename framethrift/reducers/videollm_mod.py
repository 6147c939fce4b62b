"""VideoLLM-MoD's skipping of layers, without its learned experts (arXiv 2408.16730, Sec. 3.2).

In a layer that skips, only some tokens of every frame go through attention and feed-forward; the others pass it by and are not
in its cache. The paper trains a scorer per layer that picks about 20 % of a frame's tokens. Here, without training, a token's
score is the attention that the prompt's last token pays it in that layer: a training-free stand-in, not the paper's results.
Which layers skip could not be verified: every second one by default, from the second on. Knob: the share of a frame's tokens, at
least one.
"""

from torch import Tensor

from framethrift.reducers.fastv import most_of_each
from framethrift.reducers.layers import AtLayer, LayerReducer
from framethrift.reducers.protocol import ReductionError


class VideoLlmMod(LayerReducer):
    """`share` of every frame's tokens through every `every`-th layer, the others through none of it."""

    def __init__(self, *, share: float, every: int = 2) -> None:
        if every < 1:
            raise ReductionError(f"every: {every}; allowed: at least 1")
        self._share, self._every = share, every
        self.layers = every

    def processed(self, at: AtLayer) -> Tensor | None:
        """Text, and each frame's most looked-at tokens."""
        if at.index % self._every != self._every - 1:
            return None
        return most_of_each(at.attention(), at.frames, self._share) | ~at.visual


REDUCER = VideoLlmMod
