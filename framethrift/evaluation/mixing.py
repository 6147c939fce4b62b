"""CoPE x MSJoE: a frame selector chooses which frames become I-frames, and all others stay as Δ-tokens (neither paper has it)."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from framethrift.config.sampling import Select, Stream
from framethrift.evaluation.picking import Picked
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.selection import SelectViewer
from framethrift.evaluation.shown import Ask, View
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.evaluation.streams import StreamViewer, clipped
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import StreamItem, plan_selected, token_budget


class MixedViewer(SelectViewer):
    """A `SelectViewer` that shows every slot that was not chosen as a fused P-frame; keyword arguments as there.

    Key frames are pooled like those of a `SelectViewer`; a video's Δ-tokens are made once for all its questions.
    """

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        sampling: Select,
        watch: Stopwatch,
        *,
        seed: int = 0,
        **parts: Any,
    ) -> None:
        super().__init__(model, processor, sampling, watch, seed=seed, **parts)
        self._streams = StreamViewer(model, processor, Stream(), watch, seed)
        self._deltas: dict[EncodedVideo, tuple[dict[StreamItem, int], Tensor]] = {}

    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`; ValueError when a chosen frame stands at no slot of its own."""
        self._deltas = {}
        views = super().__call__(asks)
        self._deltas = {}
        return views

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown at most; nothing is decoded."""
        fused = int(clipped(ask.video.slots(), ask.span).valid[:, 1:].sum())
        return super().cost(ask) + token_budget((0, fused), self._processor.costs(self._grid))

    def _planned(self, ask: Ask, own: Picked) -> tuple[StreamItem, ...]:
        slots = clipped(ask.video.slots(), ask.span)
        return tuple(plan_selected(slots.times, slots.valid, own.times))

    def _fused(self, video: EncodedVideo, items: Sequence[StreamItem]) -> Tensor | None:
        """Δ-embeddings (n_P, N, d_llm) of some of a video's P-frames; all of them are made at the first call."""
        if not items:
            return None
        if video not in self._deltas:
            slots = video.slots()
            every = [item for item in plan_selected(slots.times, slots.valid, ()) if item.kind == "P"]
            places = {item: index for index, item in enumerate(every)}
            self._deltas[video] = places, self._streams.encode(video, slots, every)[1]
        places, embeds = self._deltas[video]
        return embeds[[places[item] for item in items]]
