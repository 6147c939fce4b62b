"""A baseline whose visual tokens a reducer makes fewer, behind its projector or on the layers of its language model."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from framethrift.config.reduction import Reduction
from framethrift.evaluation.backbones.protocol import OpenBackbone, Seen
from framethrift.reducers import LAYER_REDUCERS, layer_reducer, observes, reduce
from framethrift.reducers.costs import LanguageShape, prompt_costs
from framethrift.reducers.layers import LayerHooks, reduced_layers
from framethrift.reducers.protocol import ReducerInput


class ReducedBackbone:
    """A `Backbone` with a reducer (None: with all its tokens), which also tells what a prompt costs.

    Newlines are the class's own: LLaVA-OneVision puts one behind the whole video, which stays.
    """

    def __init__(self, backbone: OpenBackbone, reduction: Reduction | None, seed: int = 0) -> None:
        self._backbone, self._reduction, self._seed = backbone, reduction, seed
        self._inside = reduction is not None and reduction.name in LAYER_REDUCERS
        self._hooks: LayerHooks | None = None

    @property
    def device(self) -> torch.device:
        return self._backbone.device

    @torch.inference_mode()
    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        """As `Backbone`. Raises ReductionError when the reducer lacks an input or does not know an option."""
        if self._reduction is None or self._inside:
            return self._backbone.see(frames, times, tokens)
        look = self._backbone.observed if observes(self._reduction.name) else self._backbone.see
        seen = look(frames, times)
        count, side = seen.steps * seen.per_step, math.isqrt(seen.per_step)
        given = ReducerInput(
            tokens=seen.tokens[:count].unflatten(0, (seen.steps, seen.per_step)),
            timestamps=times,
            grid=(side, seen.per_step // side),
            share=self._reduction.share,
            seed=self._seed,
            words=self._backbone.words,
            attention=seen.attention,
            keys=seen.keys,
        )
        reduced = reduce(self._reduction.name, given, **self._reduction.options)
        fewer = torch.cat([reduced.tokens, seen.tokens[count:]])
        return Seen(fewer, seen.steps, seen.per_step, seen.layout, kept_share=reduced.count / count)

    def prompt(self, question: str, shown: bool) -> str:
        return self._backbone.prompt(question, shown)

    def answer(self, question: str, seen: Seen | None, max_new_tokens: int) -> str:
        if self._reduction is None or not self._inside or seen is None:
            return self._backbone.answer(question, seen, max_new_tokens)
        method = layer_reducer(self._reduction.name, self._reduction.share, **self._reduction.options)
        with reduced_layers(self._backbone.decoder, method, self._frames(question, seen)) as self._hooks:
            return self._backbone.answer(question, seen, max_new_tokens)

    def costs(self, question: str, seen: Seen | None) -> dict[str, float]:
        """`prompt_costs` and kept share of the prompt; with a reducer on the layers, of the one that was answered last."""
        visual = self._backbone.places(question, seen)
        shape, length = LanguageShape.of(self._backbone.decoder.config), visual.shape[1]
        read = kept = [length] * shape.layers
        share = 1.0 if seen is None else seen.kept_share
        if self._hooks is not None and seen is not None:
            read, kept, share = self._hooks.counted()
        bytes_per_number = next(self._backbone.decoder.parameters()).element_size()
        return prompt_costs(read, kept, shape, bytes_per_number) | {"kept_share": share}

    def _frames(self, question: str, seen: Seen) -> torch.Tensor:
        """(1, L) the time step of every prompt token, -1 for text and the class's own newlines."""
        visual = self._backbone.places(question, seen)
        number = visual.cumsum(dim=1) - 1
        inside = visual & (number < seen.steps * seen.per_step)
        return torch.where(inside, number // seen.per_step, -1)
