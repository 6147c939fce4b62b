"""A causal language model that reads the question and sees nothing: how far text alone gets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

from framethrift.evaluation.backbones.generating import Generating
from framethrift.evaluation.backbones.protocol import Seen


class TextModel(Generating):
    """Any AutoModelForCausalLM checkpoint with a chat template."""

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        super().__init__(AutoModelForCausalLM.from_pretrained(folder, dtype=dtype), tokenizer, tokenizer, device)

    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        raise TypeError(f"a text model cannot be shown {len(frames)} frames; evaluate it under a blind sampling")

    def prompt(self, question: str, shown: bool) -> str:
        return self._templated(question)
