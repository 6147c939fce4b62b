"""Reading prompts and writing answers with a reducer on the language model's layers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.config.reduction import Reduction
from framethrift.evaluation.decoding import TOKENS, Conversation, greedy_steps
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.reducers import layer_reducer
from framethrift.reducers.layers import LayerHooks, attached


class LayerSteps:
    """As `greedy_steps`, with a layer reducer; every question is read with a prefix of its own, for what is kept depends on it.

    Questions whose prompts are equally long, with frames of the same sizes, share their passes, as many as fit into `TOKENS`.
    `hooks` are those of the last call by the question's place, (conversation, question): what each layer read and kept.
    """

    def __init__(self, reduction: Reduction) -> None:
        self._reduction = reduction
        self.hooks: dict[tuple[int, int], LayerHooks] = {}

    def __call__(
        self, model: CopeVideoForConditionalGeneration, pad_id: int, conversations: Sequence[Conversation]
    ) -> Iterator[NDArray[np.int64]]:
        """The most probable next token (B, Q) of every question, step by step, without end."""
        shape = len(conversations), max(len(conversation.questions) for conversation in conversations)
        alone = {
            (row, column): replace(conversation, questions=[question])
            for row, conversation in enumerate(conversations)
            for column, question in enumerate(conversation.questions)
        }
        frames = {place: _frames(model, own) for place, own in alone.items()}
        self.hooks, running = {}, []
        for places in _alike(frames):
            own = [alone[place] for place in places]
            method = layer_reducer(self._reduction.name, self._reduction.share, **self._reduction.options)
            hooks = LayerHooks(method, torch.cat([frames[place] for place in places]))
            self.hooks |= dict.fromkeys(places, hooks)
            running.append((places, _together(model, pad_id, own, hooks)))
        while True:
            tokens = np.full(shape, pad_id, dtype=np.int64)
            for places, steps in running:
                tokens[tuple(zip(*places, strict=True))] = next(steps)
            yield tokens


def _together(
    model: CopeVideoForConditionalGeneration, pad_id: int, conversations: Sequence[Conversation], hooks: LayerHooks
) -> Iterator[NDArray[np.int64]]:
    """Steps (B,) of conversations with one question each."""
    steps = greedy_steps(model, pad_id, conversations)
    while True:
        # On the model only while these questions' step runs: the questions of a batch take turns.
        with attached(model.language_model.model, hooks):
            tokens = next(steps)[:, 0]
        yield tokens


def _alike(frames: Mapping[tuple[int, int], Tensor]) -> list[list[tuple[int, int]]]:
    """Places in groups of equal length and frames of equal sizes, each group of at most TOKENS in all; a longer one goes alone.

    A layer then reads and keeps equally much of all rows of a group: what is counted for the group holds for each of them.
    """
    sizes = {place: (own.shape[1], tuple(torch.bincount(own[own >= 0]).tolist())) for place, own in frames.items()}
    groups: list[list[tuple[int, int]]] = []
    for size in sorted(set(sizes.values())):
        places = [place for place, own in sizes.items() if own == size]
        most = max(1, TOKENS // size[0])
        groups += [places[start : start + most] for start in range(0, len(places), most)]
    return groups


def _frames(model: CopeVideoForConditionalGeneration, conversation: Conversation) -> Tensor:
    """(1, L) frame of every prompt token, I-frames and P-frames in reading order; -1 for newlines and text."""
    image, delta = model.config.image_token_id, model.config.delta_token_id
    embeds = () if conversation.delta_embeds is None else conversation.delta_embeds
    sizes = {image: iter([grid * grid for grid in conversation.image_grids]), delta: iter([len(own) for own in embeds])}
    left, own = dict.fromkeys(sizes, 0), dict.fromkeys(sizes, -1)
    frames, seen = [], 0
    for token in (*conversation.prefix, *conversation.questions[0]):
        if token not in sizes:
            frames.append(-1)
            continue
        if left[token] == 0:
            left[token], own[token], seen = next(sizes[token]), seen, seen + 1
        left[token] -= 1
        frames.append(own[token])
    return torch.tensor([frames], device=model.device)
