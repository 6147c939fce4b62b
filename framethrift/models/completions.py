"""Completions with their log-probabilities, n samples behind one prefill, from image embeddings computed once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.cache_utils import DynamicCache

from framethrift.tokens.packing import IGNORED, PREFIX, Packed, pack

TOKENS_AT_ONCE = 8192  # prompt tokens per forward pass: few enough to stay in a CPU's cache, enough to fill it


class Speaker(Protocol):
    """A language model that reads ids with image embeddings among them: our VideoLM, or an adapter of another class."""

    @property
    def device(self) -> torch.device: ...

    @property
    def language_model(self) -> nn.Module:
        """What reads and writes, without the vision tower: what is trained."""
        ...

    def get_input_embeddings(self) -> nn.Module: ...

    def embed(self, input_ids: Tensor, *, image_embeds: Tensor, prompt: Tensor | None = None) -> Tensor:
        """Embeddings (B, L, d_llm), images where their placeholders are; looked for where `prompt` (B, L) is True, if given."""
        ...

    def __call__(self, *arguments: Any, **inputs: Any) -> Any:
        """As transformers' causal models, from inputs_embeds; with labels, logits of the supervised positions alone."""
        ...


@dataclass(frozen=True, eq=False)
class Prompt:
    """Token ids up to where the assistant speaks, and the embeddings (n, g·g, d_llm) of its images in reading order.

    positions (3, number of ids) of a model whose tokens have three (time, height, width); None: 0, 1, 2, …
    layout: what an engine of its own needs to place the images (Qwen2.5-VL: grid and seconds per step).
    """

    ids: tuple[int, ...]
    images: Tensor
    positions: Tensor | None = None
    layout: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Completions:
    """Rows of generated tokens: tokens (R, n) int64; mask (R, n) bool, True on generated tokens, the ending one included;
    log_probability (R, n) of each token at the sampling temperature, 0 off the mask."""

    tokens: Tensor
    mask: Tensor
    log_probability: Tensor

    def ids(self, without: int | None = None) -> list[list[int]]:
        """Token ids row by row, leaving out the token `without`."""
        rows = zip(self.tokens.tolist(), self.mask.tolist(), strict=True)
        return [[token for token, kept in zip(tokens, mask, strict=True) if kept and token != without] for tokens, mask in rows]


@dataclass(frozen=True, eq=False)
class Writing:
    """How prompts are completed: `samples` rows each, which end with `end_id` or after `max_new_tokens`; temperature 0 is greedy.

    Raises ValueError for sampling without a generator.
    """

    max_new_tokens: int
    pad_id: int
    end_id: int
    samples: int = 1
    temperature: float = 0.0
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        if self.temperature > 0 and self.generator is None:
            raise ValueError(f"temperature {self.temperature} samples: give a generator")


class Engine(Protocol):
    """What writes the completions of rollouts."""

    @property
    def corrected(self) -> bool:
        """Whether its probabilities differ from the trained model's, so that what it writes needs an importance weight."""
        ...

    def update(self) -> None:
        """Write from the trained model's present weights from now on."""
        ...

    def complete(self, prompts: Sequence[Prompt], how: Writing) -> Completions:
        """As the function `complete`."""
        ...


class OwnEngine:
    """The trained model itself, through transformers (an `Engine`)."""

    corrected = False

    def __init__(self, model: Speaker) -> None:
        self._model = model

    def update(self) -> None:
        """Nothing: the weights are the model's."""

    def complete(self, prompts: Sequence[Prompt], how: Writing) -> Completions:
        """As the function `complete`."""
        return complete(self._model, prompts, how)


@torch.no_grad()
def complete(model: Speaker, prompts: Sequence[Prompt], how: Writing) -> Completions:
    """Completions of each prompt, rows in the order prompt by prompt; the samples of a prompt share one prefill.

    Raises ValueError for no prompt.
    """
    if not prompts:
        raise ValueError("no prompt to complete")
    parts = [_complete(model, chunk, how) for chunk in _chunks(prompts, how.samples)]
    columns = max(part.tokens.shape[1] for part in parts)

    def joined(name: str, fill: float) -> Tensor:
        return torch.cat([functional.pad(getattr(part, name), (0, columns - part.tokens.shape[1]), value=fill) for part in parts])

    return Completions(joined("tokens", how.pad_id), joined("mask", False), joined("log_probability", 0.0))


def _chunks(prompts: Sequence[Prompt], samples: int) -> Iterator[Sequence[Prompt]]:
    """The prompts in order, so many at a time that neither prefill nor decoding grows beyond the limit."""
    longest = max(len(prompt.ids) for prompt in prompts)
    size = max(1, TOKENS_AT_ONCE // (longest * max(1, samples // 2)))
    for start in range(0, len(prompts), size):
        yield prompts[start : start + size]


def _complete(model: Speaker, prompts: Sequence[Prompt], how: Writing) -> Completions:
    longest, device = max(len(prompt.ids) for prompt in prompts), model.device
    ids = torch.tensor([[how.pad_id] * (longest - len(p.ids)) + list(p.ids) for p in prompts], device=device)
    lengths = torch.tensor([len(prompt.ids) for prompt in prompts], device=device)
    mask = torch.arange(longest, device=device)[None] >= longest - lengths[:, None]
    positions, following = _positions(prompts, mask)
    cache = DynamicCache()
    logits = model(
        inputs_embeds=model.embed(ids, image_embeds=torch.cat([prompt.images for prompt in prompts])),
        attention_mask=mask.long(),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    ).logits[:, -1]
    if how.samples > 1:
        cache.batch_repeat_interleave(how.samples)
        logits, mask, following = (given.repeat_interleave(how.samples, dim=0) for given in (logits, mask, following))
    running = torch.ones(len(logits), dtype=torch.bool, device=device)
    tokens, masks, scores = [], [], []
    for step in range(how.max_new_tokens):
        log_p = (logits.float() / (how.temperature or 1.0)).log_softmax(dim=-1)
        chosen = (
            log_p.argmax(dim=-1) if how.temperature == 0 else torch.multinomial(log_p.exp(), 1, generator=how.generator)[:, 0]
        )
        tokens.append(torch.where(running, chosen, how.pad_id))
        masks.append(running)
        scores.append(torch.where(running, log_p.gather(1, chosen[:, None])[:, 0], 0.0))
        running = running & (chosen != how.end_id)
        if step == how.max_new_tokens - 1 or not running.any():
            break
        mask = torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
        logits = model(
            inputs_embeds=model.get_input_embeddings()(tokens[-1])[:, None],
            attention_mask=mask.long(),
            position_ids=(following + step)[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    return Completions(torch.stack(tokens, dim=1), torch.stack(masks, dim=1), torch.stack(scores, dim=1))


def _positions(prompts: Sequence[Prompt], mask: Tensor) -> tuple[Tensor, Tensor]:
    """Positions (B, L), or (3, B, L), of left-padded prompts, and of the token after each (B,)."""
    plain = (mask.long().cumsum(dim=1) - 1).clamp(min=0)
    if prompts[0].positions is None:
        return plain, mask.sum(dim=1)
    given = [prompt.positions for prompt in prompts if prompt.positions is not None]
    padded = [functional.pad(own, (mask.shape[1] - own.shape[1], 0)) for own in given]
    # Text goes on from text: a video's last time step may be far ahead of it.
    return torch.stack(padded, dim=1).to(mask.device), torch.stack([own[0, -1] + 1 for own in given]).to(mask.device)


def _packed_positions(prompts: Sequence[Prompt], packed: Packed) -> Tensor:
    """Positions (B, L), or (3, B, L), of prompts, their last token left aside, with that token and an answer behind them."""
    plain = torch.from_numpy(packed.position_ids)
    if prompts[0].positions is None:
        return plain
    found = plain.expand(3, -1, -1).clone()
    for row, prompt in enumerate(prompts):
        assert prompt.positions is not None
        own, prefix = prompt.positions.cpu(), len(prompt.ids) - 1
        found[:, row, :prefix] = own[:, :prefix]
        found[:, row, torch.from_numpy(packed.segments[row] > PREFIX)] += own[0, -1] - prefix
    return found


def completion_log_probability(
    model: Speaker, prompts: Sequence[Prompt], completions: Completions, temperature: float, pad_id: int
) -> Tensor:
    """Log-probabilities (R, n) of given completions, 0 off their mask, with gradients; R is a multiple of the prompts.

    The samples of a prompt are packed behind it, so that its prefix is read once.
    """
    samples = len(completions.tokens) // len(prompts)
    rows = completions.ids()
    # The last prompt token goes with each sample: the token after it is predicted in the sample's own segment.
    pairs = [
        [(prompt.ids[-1:], row) for row in rows[index * samples : (index + 1) * samples]] for index, prompt in enumerate(prompts)
    ]
    packed = pack([prompt.ids[:-1] for prompt in prompts], pairs, pad_id)
    device = model.device
    ids, labels = torch.from_numpy(packed.input_ids).to(device), torch.from_numpy(packed.labels).to(device)
    logits = model(
        inputs_embeds=model.embed(ids, image_embeds=torch.cat([prompt.images for prompt in prompts]), prompt=labels == IGNORED),
        attention_mask=torch.from_numpy(packed.attention()).to(device),
        position_ids=_packed_positions(prompts, packed).to(device),
        labels=labels,
    ).logits
    targets = labels[:, 1:][labels[:, 1:] != IGNORED]
    # Reading order of the packed batch is the order of the rows.
    scores = (logits.float() / (temperature or 1.0)).log_softmax(dim=-1).gather(1, targets[:, None])[:, 0]
    blank = torch.zeros(completions.mask.shape, dtype=scores.dtype, device=device)
    return blank.masked_scatter(completions.mask.to(device), scores)
