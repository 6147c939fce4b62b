"""From a planned token stream, frames and codec primitives to what the VideoLM reads."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from framethrift.config.models import Models
from framethrift.models.configuration import CopeVideoConfig
from framethrift.models.primitives import resize_primitives
from framethrift.models.tokenizer import CHAT_TEMPLATE, DELTA, END, IMAGE, NEWLINE, START, SYSTEM
from framethrift.models.vision import preprocess
from framethrift.tokens import StreamItem, TokenCosts


class CopeVideoProcessor(ProcessorMixin):
    """Tokenizer, chat template, and the sizes that decide how many placeholders a frame takes."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        chat_template: str | None = None,
        image_size: int = 384,
        grid: int = 14,
        motion_tokens: int = 4,
        residual_tokens: int = 4,
        primitives_size: int = 384,
    ) -> None:
        super().__init__(tokenizer, chat_template=chat_template or CHAT_TEMPLATE)
        self.image_size = image_size
        self.grid = grid
        self.motion_tokens = motion_tokens
        self.residual_tokens = residual_tokens
        self.primitives_size = primitives_size

    @classmethod
    def of(cls, models: Models, tokenizer: PreTrainedTokenizerBase) -> "CopeVideoProcessor":
        """The processor that belongs to a study's models."""
        return cls(
            tokenizer,
            image_size=models.vision.image_size,
            grid=models.vision.grid,
            motion_tokens=models.delta_encoder.motion_tokens,
            residual_tokens=models.delta_encoder.residual_tokens,
            primitives_size=models.delta_encoder.image_size,
        )

    def costs(self, grid: int | None = None) -> TokenCosts:
        """Tokens per I-frame (pooled to grid × grid, default the model's) and per P-frame."""
        return TokenCosts.of(grid or self.grid, self.motion_tokens, self.residual_tokens)

    def expand(self, items: Sequence[StreamItem], grids: Sequence[int] | None = None) -> str:
        """Placeholders of a stream, in place of <|video|>; `grids` gives the pooled side of each I-frame (default: the model's).

        I-frame: rows of image tokens, a newline after each. P-frame: K_τ Δ-tokens, newline, K_δ Δ-tokens, newline (Table H.5).

        Raises ValueError when `grids` does not name one side per I-frame.
        """
        images = sum(item.kind == "I" for item in items)
        if grids is None:
            grids = [self.grid] * images
        if len(grids) != images:
            raise ValueError(f"grids names {len(grids)} sides for {images} I-frames")
        p_frame = "".join(DELTA * tokens + NEWLINE for tokens in (self.motion_tokens, self.residual_tokens) if tokens)
        sides = iter(grids)
        return "".join(_i_frame(next(sides)) if item.kind == "I" else p_frame for item in items)

    def prefix(self, stream: str, system: str = SYSTEM) -> str:
        """Everything before the question: system message and the stream's placeholders (empty: no video)."""
        return f"{START}system\n{system}{END}\n{START}user" + (f"\n{stream}" if stream else "")

    def question(self, question: str) -> str:
        """The question, behind any prefix, up to where the assistant speaks."""
        return f"\n{question}{END}\n{START}assistant\n"

    def prompt(self, question: str, stream: str, system: str = SYSTEM) -> str:
        """The whole ChatML text up to "<|im_start|>assistant\\n"; equals the chat template on the same conversation."""
        return self.prefix(stream, system) + self.question(question)

    def next_turn(self, question: str) -> str:
        """What follows a finished answer in a conversation of several turns."""
        return f"\n{START}user" + self.question(question)

    def prefix_ids(self, stream: str, system: str = SYSTEM) -> list[int]:
        """Token ids of `prefix`; followed by `question_ids` they are the ids of `prompt`."""
        return self._ids(self.prefix(stream, system))

    def text_tokens(self, question: str) -> int:
        """Tokens of a prompt with this question beside its visual ones."""
        return len(self.prefix_ids("")) + len(self.question_ids(question))

    def question_ids(self, question: str) -> list[int]:
        """Token ids of `question`."""
        return list(_short_ids(self.tokenizer, self.question(question)))

    def next_turn_ids(self, question: str) -> list[int]:
        """Token ids that end an answer and ask the next question behind it."""
        return self._ids(END + self.next_turn(question))

    def answer_ids(self, answer: str) -> list[int]:
        """Token ids of an answer with the token that ends it: what is supervised."""
        return list(_short_ids(self.tokenizer, answer + END))

    def pixels(self, frames: NDArray[np.uint8] | Tensor) -> Tensor:
        """Frames (n, H, W, 3) uint8 → (n, 3, S, S) float32."""
        return preprocess(frames, self.image_size)

    def primitives(self, motion: NDArray[np.int16] | Tensor, residual: NDArray[np.int16] | Tensor) -> tuple[Tensor, Tensor]:
        """τ (n, H, W, 2), δ (n, H, W, 3) → float32 (n, 2, h, w), (n, 3, h, w) at the Δ-encoder's size, vectors scaled along."""
        return resize_primitives(motion, residual, self.primitives_size)

    def __call__(
        self,
        text: str | Sequence[str],
        frames: NDArray[np.uint8] | Tensor | None = None,
        motion: NDArray[np.int16] | Tensor | None = None,
        residual: NDArray[np.int16] | Tensor | None = None,
        image_grids: Sequence[int] | None = None,
    ) -> BatchFeature:
        """Inputs of `forward` and `generate` for prompts whose streams are already expanded, padded on the left.

        `frames` (n_I, H, W, 3), `motion` (n_P, H, W, 2) and `residual` (n_P, H, W, 3) belong to all prompts in reading order.
        """
        texts = [text] if isinstance(text, str) else list(text)
        data: dict[str, Any] = self.pad([self._ids(one) for one in texts])
        if frames is not None and len(frames):
            data["pixel_values"] = self.pixels(frames)
        if motion is not None and residual is not None and len(motion):
            data["motion"], data["residual"] = self.primitives(motion, residual)
        if image_grids is not None:
            data["image_grids"] = torch.tensor(list(image_grids))
        return BatchFeature(data)

    def pad(self, rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
        """Rows of token ids → input_ids and attention_mask (B, L) int64, padded on the left."""
        longest = max(len(row) for row in rows)
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(rows):
            ids[index, longest - len(row) :] = torch.tensor(row, dtype=torch.long)
            mask[index, longest - len(row) :] = 1
        return {"input_ids": ids, "attention_mask": mask}

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]


@lru_cache(1 << 16)
def _short_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Questions and answers come again each epoch and in each cell: in a miniature, tokenising would be a tenth of the work."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def _i_frame(side: int) -> str:
    return (IMAGE * side + NEWLINE) * side


AutoProcessor.register(CopeVideoConfig, CopeVideoProcessor)
