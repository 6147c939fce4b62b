"""Greedy answers to many questions behind shared visual prefixes, with one key-value cache.

The prompts are packed as in training (framethrift.tokens.packing): one prefill per batch reads every prefix once, and each
decoding step feeds one token per question. A question sees its prefix and itself only, so the result is that of one run per
question.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from transformers.cache_utils import DynamicCache

from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.tokens.packing import PAD, PREFIX, pack

TOKENS = 4096  # padded prompt tokens per forward pass; a longer single prompt goes alone


@dataclass(frozen=True)
class Conversation:
    """One visual prefix with the questions asked behind it.

    `prefix` and each of `questions` are token ids; `image_features` (n_I, patches, d_v), `image_grids` (n_I,) and
    `delta_embeds` (n_P, N, d_llm) are what the prefix's placeholders stand for, in reading order.
    """

    prefix: Sequence[int]
    questions: Sequence[Sequence[int]]
    image_features: Tensor | None
    image_grids: Sequence[int]
    delta_embeds: Tensor | None

    @property
    def length(self) -> int:
        """Tokens of the packed prompt."""
        return len(self.prefix) + sum(map(len, self.questions))


Steps = Callable[[CopeVideoForConditionalGeneration, int, Sequence[Conversation]], Iterator[NDArray[np.int64]]]


def decode(
    model: CopeVideoForConditionalGeneration,
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Conversation],
    max_new_tokens: int,
    steps: Steps | None = None,
) -> list[list[list[int]]]:
    """Greedy token ids per conversation and question, without the end token; at most `max_new_tokens` each.

    `steps` reads and writes in another way than `greedy_steps`, as the layer reducers do.

    Raises ValueError from the packing and the model for a conversation without questions and placeholders that do not match.
    """
    answers: list[list[list[int]]] = [[[] for _ in c.questions] for c in conversations]
    running = _asked(conversations)
    for tokens in islice((steps or greedy_steps)(model, tokenizer.pad_token_id, conversations), max_new_tokens):
        running &= tokens != tokenizer.eos_token_id
        for row, number in zip(*np.nonzero(running), strict=True):
            answers[row][number].append(int(tokens[row, number]))
        if not running.any():
            break
    return answers


@torch.inference_mode()
def greedy_steps(
    model: CopeVideoForConditionalGeneration, pad_id: int, conversations: Sequence[Conversation]
) -> Iterator[NDArray[np.int64]]:
    """The most probable next token (B, Q) of every question, step by step, without end; the first comes from the prefill.

    Rows with fewer questions than Q hold meaningless tokens there. Errors as `decode`.
    """
    packed = pack([c.prefix for c in conversations], [[(q, ()) for q in c.questions] for c in conversations], pad_id)
    real = _asked(conversations)
    last = np.zeros(real.shape, np.int64)
    for row, number in zip(*np.nonzero(real), strict=True):
        last[row, number] = np.flatnonzero(packed.segments[row] == number + 1)[-1]
    kept = np.unique(last[real])
    inputs = {"input_ids": torch.as_tensor(packed.input_ids, device=model.device), **video_inputs(conversations)}
    cache = DynamicCache()
    keep = torch.as_tensor(kept, device=model.device)
    # A prompt alone is plainly causal: without a mask, attention kernels take their fast path.
    alone = real.shape == (1, 1)
    logits = _run(model, inputs, None if alone else packed.attention(), packed.position_ids, cache, keep)
    columns = np.searchsorted(kept, np.where(real, last, kept[0]))
    tokens = logits.argmax(dim=-1).cpu().numpy()[np.arange(len(conversations))[:, None], columns]
    positions = np.take_along_axis(packed.position_ids, last, axis=1)
    own = np.where(real, np.arange(1, real.shape[1] + 1), PAD)
    seen = packed.segments
    while True:
        yield tokens
        positions = positions + 1
        seen = np.concatenate([seen, own], axis=1)
        # As embeddings: a model may well write a token that stands for an image in a prompt.
        written = torch.as_tensor(np.where(real, tokens, pad_id), device=model.device)
        embedded = {"inputs_embeds": model.get_input_embeddings()(written)}
        mask = None if alone else _step_mask(seen, own)
        tokens = _run(model, embedded, mask, positions, cache, 0).argmax(dim=-1).cpu().numpy()


def _asked(conversations: Sequence[Conversation]) -> NDArray[np.bool_]:
    """(B, Q): which of the rows' places hold a question."""
    counts = np.array([len(c.questions) for c in conversations])
    return np.arange(counts.max()) < counts[:, None]


def _step_mask(seen: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(B, 1, Q, K): each question's new token sees the prefix and its own tokens, itself included; padding sees itself."""
    columns, rows = seen[:, None, :], own[:, :, None]
    allowed = ((columns == PREFIX) | (columns == rows)) & (columns != PAD)
    asked, total = own.shape[1], seen.shape[1]
    return (allowed | np.eye(asked, total, total - asked, dtype=bool))[:, None]


def _run(
    model: CopeVideoForConditionalGeneration,
    inputs: dict[str, Any],
    mask: NDArray[np.bool_] | None,
    position_ids: NDArray[np.int64],
    cache: DynamicCache,
    logits_to_keep: Tensor | int,
) -> Tensor:
    given = {
        "attention_mask": None if mask is None else torch.as_tensor(mask, device=model.device),
        "position_ids": torch.as_tensor(position_ids, device=model.device),
        "past_key_values": cache,
        "use_cache": True,
    }
    return model(**inputs, **given, logits_to_keep=logits_to_keep).logits


def video_inputs(conversations: Sequence[Conversation]) -> dict[str, Any]:
    """What the placeholders of the conversations' prefixes stand for, as the model's `forward` takes it."""
    images = [c.image_features for c in conversations if c.image_features is not None]
    deltas = [c.delta_embeds for c in conversations if c.delta_embeds is not None]
    inputs: dict[str, Any] = {}
    if images:
        inputs |= {"image_features": torch.cat(images), "image_grids": [grid for c in conversations for grid in c.image_grids]}
    if deltas:
        inputs["delta_embeds"] = torch.cat(deltas)
    return inputs
