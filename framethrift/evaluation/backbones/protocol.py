"""What the harness asks of a video language model: see frames, then answer questions about what was seen.

The two steps are apart so that questions about the same frames share the vision side, and so that something may happen to the
visual tokens in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Seen:
    """What a model made of frames.

    tokens: (n, d) visual tokens as the language model reads them, after the projector, in reading order: `steps` time steps of
    `per_step` tokens each, then whatever the class adds at the end (LLaVA-OneVision: one newline).
    layout: what the class needs beside the tokens to place them (Qwen2.5-VL: its grid and the seconds per step).
    attention, keys: where asked for, (steps, per_step) attention received in the encoder and (steps, per_step, d_k) its keys.
    kept_share: of the tokens, behind a token reducer.
    """

    tokens: Tensor
    steps: int
    per_step: int
    layout: Mapping[str, Any] = field(default_factory=dict)
    attention: Tensor | None = None
    keys: Tensor | None = None
    kept_share: float = 1.0


class Backbone(Protocol):
    """A video language model that answers greedily."""

    @property
    def device(self) -> torch.device: ...

    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        """Frames (n, H, W, 3) RGB shown at `times` (n,) seconds; at most `tokens` visual tokens per time step, where the class
        has a choice (None: its own default)."""
        ...

    def prompt(self, question: str, shown: bool) -> str:
        """The whole prompt, with one placeholder for the video if frames are shown."""
        ...

    def answer(self, question: str, seen: Seen | None, max_new_tokens: int) -> str:
        """The greedy answer to `question` behind what was seen; None asks without a video."""
        ...


@runtime_checkable
class OpenBackbone(Backbone, Protocol):
    """A backbone whose visual tokens may be any number in any place, and whose language model is transformers' Qwen2."""

    @property
    def decoder(self) -> torch.nn.Module:
        """The Qwen2Model."""
        ...

    def observed(self, frames: NDArray[np.uint8], times: Sequence[float]) -> Seen:
        """As `see`, with the encoder's attention and keys."""
        ...

    def words(self, text: str) -> Tensor:
        """(L, d) token embeddings of a text."""
        ...

    def places(self, question: str, seen: Seen | None) -> Tensor:
        """(1, L) bool: which tokens of the whole prompt are visual."""
        ...
