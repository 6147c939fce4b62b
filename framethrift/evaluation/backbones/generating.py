"""What all adapters of transformers' classes share: prompts from the checkpoint's own chat template, greedy generation."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from framethrift.evaluation.backbones.protocol import Seen


class Generating:
    """A checkpoint of one of transformers' classes that answers; an adapter adds how the class sees (`see`, `_looked`).

    `processor` is what holds the chat template; its `video_token` stands for a video in a prompt.
    """

    def __init__(self, model: Any, processor: Any, tokenizer: Any, device: torch.device) -> None:
        self.model = model.to(device).eval().requires_grad_(False)
        self.processor, self._tokenizer = processor, tokenizer

    @property
    def device(self) -> torch.device:
        return self.model.device

    def prompt(self, question: str, shown: bool) -> str:
        content = [{"type": "video"}] * shown + [{"type": "text", "text": question}]
        return self._templated(content)

    def answer(self, question: str, seen: Seen | None, max_new_tokens: int) -> str:
        ids = self._prompt_ids(question, seen)
        return self._greedy(ids, max_new_tokens, {} if seen is None else self._looked(seen, ids))

    def _prompt_ids(self, question: str, seen: Seen | None) -> Tensor:
        """Ids (1, L) of the whole prompt."""
        prompt = self.prompt(question, seen is not None)
        return self._ids(prompt if seen is None else self._expanded(prompt, len(seen.tokens)))

    def _looked(self, seen: Seen, ids: Tensor) -> dict[str, Any]:
        """What `generate` takes in place of the video, for a prompt of ids (1, L)."""
        raise NotImplementedError

    def _templated(self, content: Any) -> str:
        """The checkpoint's own chat template around one user turn."""
        turn = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)

    def _expanded(self, prompt: str, tokens: int) -> str:
        """The prompt with its video placeholder once per visual token.

        Raises ValueError when the template left no single placeholder, so that the video would go missing.
        """
        placeholder = self.processor.video_token
        if prompt.count(placeholder) != 1:
            raise ValueError(f"the chat template gives {prompt.count(placeholder)} {placeholder!r} for one video; expected one")
        return prompt.replace(placeholder, placeholder * tokens)

    def _ids(self, prompt: str) -> Tensor:
        """Ids (1, L) of a prompt that already holds its special tokens."""
        return torch.tensor([self._tokenizer(prompt, add_special_tokens=False)["input_ids"]], device=self.device)

    @torch.inference_mode()
    def _greedy(self, ids: Tensor, max_new_tokens: int, inputs: Mapping[str, Any]) -> str:
        """The greedy continuation of ids (1, L), without special tokens."""
        tokenizer = self._tokenizer
        pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        settings = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None, "pad_token_id": pad}
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **inputs}
        written = self.model.generate(**given, **settings, max_new_tokens=max_new_tokens)
        return tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)
