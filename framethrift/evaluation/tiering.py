"""Frames shown at sizes that follow their ranks (Q-Frame's resolution tiers)."""

from collections.abc import Sequence
from typing import Any

from framethrift.config.sampling import Tiered
from framethrift.evaluation.picking import Picked
from framethrift.evaluation.selection import SelectViewer
from framethrift.evaluation.shown import Ask
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import StreamItem, frames_budget, require_tiers_fit, tier_sides


class TieredViewer(SelectViewer):
    """A `SelectViewer` that shows a frame the smaller the later it is ranked; keyword arguments as there.

    Full size is the size of a `SelectViewer`'s frames: the study's key_frames.grid where it is set, else the model's grid.
    """

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        sampling: Tiered,
        watch: Stopwatch,
        **parts: Any,
    ) -> None:
        super().__init__(model, processor, sampling, watch, **parts)
        self._tiers = sampling

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown at most; nothing is decoded."""
        return frames_budget(tier_sides(self._tiers, self._grid, self._frames))

    def _grids(self, own: Picked) -> tuple[int, ...]:
        sides = tier_sides(self._tiers, self._grid, len(own.ranks))
        return tuple(sides[rank] for rank in own.ranks)

    def _require_fit(self, ask: Ask, items: Sequence[StreamItem]) -> None:
        context, text = self._model.config.text_config.max_position_embeddings, self._processor.text_tokens(ask.question)
        require_tiers_fit(tier_sides(self._tiers, self._grid, len(items)), context, text, self._name)
