"""What all adapters of transformers' classes share: prompts from the checkpoint's own chat template, greedy generation."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def chat_prompt(processor: Any, question: str, shown: bool) -> str:
    """The checkpoint's own chat template around one user turn: the video, if one is shown, then the question."""
    content = [{"type": "video"}] * shown + [{"type": "text", "text": question}]
    return processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)


@torch.inference_mode()
def greedy(model: Any, tokenizer: Any, ids: Tensor, max_new_tokens: int, inputs: Mapping[str, Any]) -> str:
    """The greedy continuation of ids (1, L), without special tokens."""
    settings = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **inputs}
    written = model.generate(**given, **settings, max_new_tokens=max_new_tokens, pad_token_id=_pad(tokenizer))
    return tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)


def expanded(tokenizer: Any, prompt: str, placeholder: str, tokens: int, device: torch.device) -> Tensor:
    """Ids (1, L) of a prompt whose video placeholder stands for `tokens` visual tokens.

    Raises ValueError when the template left no single placeholder, so that the video would go missing.
    """
    if prompt.count(placeholder) != 1:
        raise ValueError(f"the chat template gives {prompt.count(placeholder)} {placeholder!r} for one video; expected one")
    return encoded(tokenizer, prompt.replace(placeholder, placeholder * tokens), device)


def encoded(tokenizer: Any, prompt: str, device: torch.device) -> Tensor:
    """Ids (1, L) of a prompt that already holds its special tokens."""
    return torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]], device=device)


def _pad(tokenizer: Any) -> int:
    return tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
