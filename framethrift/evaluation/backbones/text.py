"""A causal language model that reads the question and sees nothing: how far text alone gets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

from framethrift.evaluation.backbones.generating import encoded, greedy
from framethrift.evaluation.backbones.protocol import Seen


class TextModel:
    """Any AutoModelForCausalLM checkpoint with a chat template."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        self._model = model.to(device).eval().requires_grad_(False)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)

    @property
    def device(self) -> torch.device:
        return self._model.device

    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        raise TypeError(f"a text model cannot be shown {len(frames)} frames; evaluate it under a blind sampling")

    def prompt(self, question: str, shown: bool) -> str:
        turn = [{"role": "user", "content": question}]
        return self._tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)

    def answer(self, question: str, seen: Seen | None, max_new_tokens: int) -> str:
        ids = encoded(self._tokenizer, self.prompt(question, shown=False), self.device)
        return greedy(self._model, self._tokenizer, ids, max_new_tokens, {})
