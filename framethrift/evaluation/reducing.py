"""Fewer visual tokens than a sampling shows, by reducers behind the projector."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import zip_longest

import torch
from torch import Tensor

from framethrift.config.reduction import Reduction
from framethrift.evaluation.shown import Ask, Shown, View, Viewer
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.encoder_attention import observed_encoder, pooled_to, split_features
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import DELTA, NEWLINE
from framethrift.reducers import observes, reduce, reducer
from framethrift.reducers.protocol import Reduced, ReducerInput


class ReducingViewer:
    """What another viewer shows, with the I-frames' tokens reduced.

    Reduced tokens are ready embeddings, so they stand in the places of Δ-tokens, for which the model takes ready embeddings.
    `achieved` tells of the last video how many tokens and what share of them were kept, and what the method's knobs were set to;
    the share goes with what is shown, too.
    """

    def __init__(
        self,
        viewer: Viewer,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        reduction: Reduction,
        watch: Stopwatch,
        seed: int = 0,
    ) -> None:
        self._viewer, self._model, self._processor = viewer, model, processor
        self._reduction, self._watch, self._seed = reduction, watch, seed
        self._method = reducer(reduction.name)
        self.achieved: dict[str, float] = {}

    @torch.inference_mode()
    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`. Raises ReductionError when the reducer lacks an input or does not know an option."""
        observed = observes(self._reduction.name)
        with observed_encoder(self._model) if observed else nullcontext():
            views = self._viewer(asks)
        known: dict[tuple[int, str], Shown] = {}
        reduced = []
        for ask, view in zip(asks, views, strict=True):
            key = id(view.shown), ask.question if "question" in self._method.needs else ""
            if key not in known:
                with self._watch("reduce"):
                    known[key] = self._reduced(view.shown, ask.question, observed)
            reduced.append(replace(view, shown=known[key]))
        return reduced

    def cost(self, ask: Ask) -> int:
        """As `Viewer`: at most what would be shown without the reducer."""
        return self._viewer.cost(ask)

    def _reduced(self, shown: Shown, question: str, observed: bool) -> Shown:
        if shown.image_features is None or not len(shown.image_features):
            return shown
        (grid,) = set(shown.image_grids)
        features, attention, keys = shown.image_features, None, None
        if observed:
            features, *extras = split_features(features, self._model.config.vision_config.hidden_size)
            side = self._model.config.patch_side
            attention, keys = pooled_to(extras[0][..., None], side, grid)[..., 0], pooled_to(extras[1], side, grid)
        given = ReducerInput(
            tokens=self._model.image_embeddings(features, grid),
            timestamps=[item.time for item in shown.items if item.kind == "I"],
            grid=(grid, grid),
            share=self._reduction.share,
            seed=self._seed,
            question=self._words(question) if "question" in self._method.needs else None,
            words=self._words,
            attention=attention,
            keys=keys,
        )
        reduced = reduce(self._reduction.name, given, **self._reduction.options)
        share = reduced.count / (given.frames * given.per_frame)
        self.achieved = {"kept_tokens": reduced.count, "kept_share": share, **reduced.knobs}
        return replace(self._laid_out(shown, reduced), kept_share=share)

    def _words(self, text: str) -> Tensor:
        """Token embeddings (L, d) of a text."""
        ids = self._processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._model.get_input_embeddings()(torch.tensor(ids, device=self._model.device))

    def _laid_out(self, shown: Shown, reduced: Reduced) -> Shown:
        """Kept tokens in the reducer's order; with P-frames, each I-frame's kept tokens stand where the I-frame stood."""
        parts: list[tuple[str, list[Tensor]]] = []
        if shown.delta_embeds is None:
            parts.append(self._kept(reduced, range(reduced.count)))
        else:
            frames = reduced.places[:, 0].round().long()
            deltas, number = iter(shown.delta_embeds), 0
            for item in shown.items:
                if item.kind == "I":
                    parts.append(self._kept(reduced, (frames == number).nonzero()[:, 0].tolist()))
                    number += 1
                else:
                    parts.append((self._processor.expand([item]), list(next(deltas))))
        stream = "".join(text for text, _ in parts)
        values = torch.stack([value for _, own in parts for value in own])
        return Shown(shown.items, stream, None, (), values[:, None], stream.count(DELTA) + stream.count(NEWLINE))

    def _kept(self, reduced: Reduced, own: Sequence[int]) -> tuple[str, list[Tensor]]:
        """Placeholders and embeddings of the kept tokens `own`, with the newlines asked for."""
        frames, rows = (reduced.places[:, axis].round().long().tolist() for axis in (0, 1))
        text = []
        for index, after in zip_longest(own, own[1:]):
            ends_frame = after is None or frames[after] != frames[index]
            ends_row = ends_frame or rows[after] != rows[index]
            wanted = {"rows": ends_row, "frames": ends_frame, "none": False}[self._reduction.newlines]
            text.append(DELTA + NEWLINE if wanted else DELTA)
        return "".join(text), [reduced.tokens[index] for index in own]
