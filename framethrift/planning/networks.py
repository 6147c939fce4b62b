"""The models of a study as a plan sees them: how many parameters, and what one frame, one token, one pair costs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, TypeVar

import open_clip
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from framethrift.config.models import Models
from framethrift.models.clip import shape_clip
from framethrift.models.configuration import meta_config
from framethrift.models.delta_encoder import DeltaEncoder
from framethrift.models.delta_pretrainer import DeltaPretrainer, patch_regression
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.sampler import UNetSampler
from framethrift.models.vision import CAPTION_TOKENS, build_siglip
from framethrift.planning.counting import Bench, Growth, Work, on_meta, parameters
from framethrift.tokens import TokenCosts

Counted = TypeVar("Counted")
HEAD_TOKENS = 8  # output positions counted together; their cost is linear


@dataclass(frozen=True)
class Part:
    """Work of a part, and the bytes it keeps with gradient checkpointing: every layer's input, and one layer computed again."""

    work: Work
    checkpointed: float

    def __add__(self, other: "Part") -> "Part":
        return Part(self.work + other.work, self.checkpointed + other.checkpointed)

    def __mul__(self, times: float) -> "Part":
        return Part(self.work * times, self.checkpointed * times)


def _alike(count: Callable[["Networks"], Counted]) -> "cached_property[Counted]":
    """A count that is taken over from `like`, where there is one."""

    def counted(self: "Networks") -> Counted:
        return count(self) if self.like is None else getattr(self.like, count.__name__)

    return cached_property(wraps(count)(counted))


class Networks:
    """A study's models in the precision of a training stage; `like` are others that differ in their Δ-encoder only."""

    def __init__(self, models: Models, mixed: bool, like: "Networks | None" = None) -> None:
        self.models, self.like = models, like
        self._bench = Bench(mixed)
        self._videolm = on_meta(lambda: CopeVideoForConditionalGeneration(meta_config(models)))
        self._placed = False

    @property
    def costs(self) -> TokenCosts:
        """Tokens of an I- and of a P-frame."""
        delta = self.models.delta_encoder
        return TokenCosts.of(self.models.vision.grid, delta.motion_tokens, delta.residual_tokens)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Parameters of every module, by counting the real classes; CLIP and towers trained here at the largest vocabulary."""
        counts = {name: parameters(child) for name, child in self._videolm.named_children()}
        counts["image_newline"] = self._videolm.image_newline.numel()
        encoder = self._videolm.delta_encoder
        counts |= {f"delta_encoder.{name}": parameters(child) for name, child in encoder.named_children()}
        counts |= {f"delta pre-training.{name}": parameters(getattr(self._pretrainer, name)) for name in ("reference", "warped")}
        counts["clip"], counts["sampler"] = parameters(self._clip), parameters(self._sampler)
        if self.models.vision.source is None:
            counts["vision pre-training.siglip"] = parameters(self._siglip)
        return counts

    @property
    def videolm(self) -> int:
        """Parameters of the VideoLM."""
        return parameters(self._videolm)

    def adapters(self, rank: int) -> int:
        """Parameters of LoRA's adapters beside every linear layer of the language model's blocks."""
        layers = self._videolm.language_model.model.layers.modules()
        return sum(rank * (layer.in_features + layer.out_features) for layer in layers if isinstance(layer, torch.nn.Linear))

    @cached_property
    def _pretrainer(self) -> DeltaPretrainer:
        settings, width = self.models.delta_encoder, self.models.vision.hidden_size
        return on_meta(lambda: DeltaPretrainer(DeltaEncoder(settings, width)))

    @cached_property
    def _siglip(self) -> torch.nn.Module:
        return on_meta(lambda: build_siglip(self.models.vision, self.models.language.vocabulary, 0))

    @cached_property
    def _clip(self) -> open_clip.CLIP:
        settings = self.models.clip
        if settings.source is None:
            return on_meta(lambda: shape_clip(settings, self.models.language.vocabulary, 0))
        shape = open_clip.get_model_config(settings.source.partition("@")[0])
        return on_meta(lambda: open_clip.CLIP(**shape))

    @cached_property
    def _sampler(self) -> UNetSampler:
        return UNetSampler(self.models.sampler)

    @property
    def _model(self) -> CopeVideoForConditionalGeneration:
        if not self._placed:
            self._bench.place(self._videolm)
            self._placed = True
        return self._videolm

    def _part(self, run: Callable[[Tensor], Tensor], shape: tuple[int, ...], stack: Any, learns: bool) -> Part:
        """Count `run`, whose `stack` has equal `layers`: at one and at two, from which the cost of all follows exactly."""
        whole = stack.layers
        one, more = self._shallow(run, shape, stack, whole[:1], learns), Part(Work(), 0.0)
        if len(whole) > 1:
            more = (self._shallow(run, shape, stack, whole[:2], learns) + one * -1) * (len(whole) - 1)
        part = one + more
        return Part(part.work, part.checkpointed + (part.work.kept - part.checkpointed) / len(whole))

    def _shallow(self, run: Callable[[Tensor], Tensor], shape: tuple[int, ...], stack: Any, layers: Any, learns: bool) -> Part:
        """Work with only these layers, and what is kept when each keeps its input alone."""
        model, whole = self._model, stack.layers
        stack.layers = layers
        try:
            model.activation_checkpointing_enable()
            light = self._bench.count(run, shape, of=model, learns=learns, backward=False).kept
            model.activation_checkpointing_disable()
            return Part(self._bench.count(run, shape, of=model, learns=learns), light)
        finally:
            stack.layers = whole

    @_alike
    def tower(self) -> Part:
        """One frame through the vision tower."""
        side, model = self.models.vision.image_size, self._model
        return self._part(model.vision_features, (1, 3, side, side), model.vision_tower.encoder, learns=False)

    @_alike
    def projector(self) -> Work:
        """One frame through projector and pooling."""
        model, vision = self._model, self.models.vision
        shape = (1, model.config.patch_side**2, vision.hidden_size)
        return self._bench.count(lambda features: model.image_embeddings(features), shape, of=model, learns=True)

    @cached_property
    def delta(self) -> Work:
        """One P-frame through Δ-encoder and projector."""
        side, model = self.models.delta_encoder.image_size, self._model
        return self._bench.count(model.delta_embeddings, (1, 2, side, side), (1, 3, side, side), of=model)

    @_alike
    def _language(self) -> tuple[Growth, Growth]:
        """The language model without its output layer; the second's `kept` is that with gradient checkpointing."""
        model, settings = self._model, self.models.language

        def run(embedded: Tensor) -> Tensor:
            return model.language_model.model(inputs_embeds=embedded, use_cache=False).last_hidden_state

        backbone = model.language_model.model
        parts = {n: self._part(run, (1, n, settings.hidden_size), backbone, learns=True) for n in (32, 64)}
        return Growth.measured(lambda n: parts[n].work), Growth.measured(lambda n: Work(kept=parts[n].checkpointed))

    def sequence(self, tokens: float) -> Part:
        """One sequence of `tokens` tokens through the language model, without its output layer."""
        plain, light = self._language
        return Part(plain.of(tokens), light.of(tokens).kept)

    def following(self, context: float) -> float:
        """FLOPs of writing one token behind `context` others, output layer included."""
        plain, _ = self._language
        return plain.token.forward + plain.pair.forward * context + self.head.forward

    @_alike
    def head(self) -> Work:
        """One position through the output layer, and its loss."""
        model = self._model

        def run(states: Tensor) -> Tensor:
            logits = model.language_model.lm_head(states).float()
            return functional.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))

        shape = (HEAD_TOKENS, self.models.language.hidden_size)
        return self._bench.count(run, shape, of=model, learns=True) * (1 / HEAD_TOKENS)

    @cached_property
    def pair(self) -> Work:
        """One frame pair through Δ-encoder, reference and warped transformer (Eq. 7-10), without the frozen tower."""
        module, vision = self._bench.place(self._pretrainer), self.models.vision
        tokens = (1, (vision.image_size // vision.patch_size) ** 2, vision.hidden_size)
        side = self.models.delta_encoder.image_size

        def run(reference: Tensor, motion: Tensor, residual: Tensor) -> Tensor:
            return patch_regression(module(reference, motion, residual), torch.empty(tokens))

        return self._bench.count(run, tokens, (1, 2, side, side), (1, 3, side, side), of=module)

    @_alike
    def captioned(self) -> Work:
        """One frame and its caption through a SigLIP that is trained here."""
        module, side = self._bench.place(self._siglip), self.models.vision.image_size

        def run(pixels: Tensor) -> Tensor:
            output = module(input_ids=torch.zeros((1, CAPTION_TOKENS), dtype=torch.long), pixel_values=pixels)
            return output.image_embeds.sum() + output.text_embeds.sum()

        return self._bench.count(run, (1, 3, side, side), of=module)

    @_alike
    def clip(self) -> tuple[Work, Work]:
        """One frame, and one text, through CLIP."""
        module, settings = self._bench.place(self._clip), self.models.clip
        frame = self._bench.count(module.encode_image, (1, 3, settings.image_size, settings.image_size), of=module)
        text = self._bench.count(lambda: module.encode_text(torch.zeros((1, settings.context), dtype=torch.long)), of=module)
        return frame, text

    def sampling(self, frames: int) -> Work:
        """One similarity matrix of `frames` candidates through the U-Net: small enough to run."""
        cosines = torch.rand(1, self.models.sampler.max_queries, frames)
        with FlopCounterMode(display=False) as forward:
            output = self._sampler(cosines)
        with FlopCounterMode(display=False) as backward:
            output.sum().backward()
        return Work(forward.get_total_flops(), backward.get_total_flops())
