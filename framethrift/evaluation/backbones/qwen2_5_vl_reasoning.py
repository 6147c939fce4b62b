"""Qwen2.5-VL as the MLLM of MSJoE: the evaluation adapter's prompts and vision, with completions whose gradients are wanted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutputWithPast

from framethrift.evaluation.backbones.protocol import Seen
from framethrift.evaluation.backbones.qwen2_5_vl import Qwen2_5_VL
from framethrift.models.completions import Prompt
from framethrift.models.reasoning import Reasoner
from framethrift.models.vllm_engine import VllmEngine
from framethrift.tokens.packing import IGNORED


class QwenSpeaker:
    """The language side of a Qwen2.5-VL, as `framethrift.models.completions` asks it (a `Speaker`)."""

    def __init__(self, backbone: Qwen2_5_VL) -> None:
        self._model = backbone.model
        # Not a module of its own: the parts keep their places in the checkpoint's class.
        self._language = nn.ModuleDict({"model": self._model.model.language_model, "lm_head": self._model.lm_head})

    @property
    def device(self) -> torch.device:
        return self._model.device

    @property
    def language_model(self) -> nn.Module:
        return self._language

    def weights(self) -> Iterator[tuple[str, Tensor]]:
        """The language model's weights, named as in the class's checkpoint; a tied head is the embeddings."""
        for name, value in self._language.named_parameters():
            yield name.replace("model.", "model.language_model.", 1) if name.startswith("model.") else name, value.detach()

    def get_input_embeddings(self) -> nn.Module:
        return self._model.get_input_embeddings()

    def embed(self, input_ids: Tensor, *, image_embeds: Tensor, prompt: Tensor | None = None) -> Tensor:
        """As `Speaker`; image_embeds (n, d_llm). Raises ValueError when placeholders and embeddings differ in number."""
        embeddings = self.get_input_embeddings()(input_ids)
        places = input_ids == self._model.config.video_token_id
        places = places if prompt is None else places & prompt
        if int(places.sum()) != len(image_embeds):
            raise ValueError(f"the prompts have {int(places.sum())} places for {len(image_embeds)} visual tokens")
        return embeddings.masked_scatter(places[..., None], image_embeds.to(embeddings.dtype))

    def __call__(
        self,
        inputs_embeds: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor,
        past_key_values: Any = None,
        use_cache: bool | None = None,
        logits_to_keep: int = 0,
        labels: Tensor | None = None,
    ) -> CausalLMOutputWithPast:
        """As `Speaker`: logits (B, logits_to_keep or L, vocabulary), or (number supervised, vocabulary) in reading order."""
        found = self._model.model.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
        )
        states = found.last_hidden_state
        states = states[:, -logits_to_keep:] if labels is None else states[:, :-1][labels[:, 1:] != IGNORED]
        return CausalLMOutputWithPast(logits=self._model.lm_head(states), past_key_values=found.past_key_values)


class QwenReasoner(Reasoner):
    """Writes queries and answers behind `Seen` frames, in the checkpoint's own chat template."""

    def __init__(self, backbone: Qwen2_5_VL) -> None:
        super().__init__(QwenSpeaker(backbone), backbone.processor, "instruct")
        self.backbone = backbone

    def _prompt(self, text: str, images: Seen | None) -> Prompt:
        ids, positions = self.backbone.read(text, images)
        nothing = torch.empty(0, self.backbone.model.config.text_config.hidden_size, device=self.backbone.device)
        if images is None:
            return Prompt(tuple(ids.tolist()), nothing, positions)
        return Prompt(tuple(ids.tolist()), images.tokens, positions, images.layout)

    def write_with_vllm(self, context: int, memory_share: float) -> None:
        """Write through vLLM from now on, in prompts and completions of at most `context` tokens.

        Raises ModuleNotFoundError when vLLM is not installed.
        """
        model, speaker = self.backbone.model, self.model
        assert isinstance(speaker, QwenSpeaker)
        self.engine = VllmEngine(Path(model.name_or_path), speaker.weights, model.config.video_token_id, context, memory_share)
