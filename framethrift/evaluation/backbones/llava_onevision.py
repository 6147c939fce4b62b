"""LLaVA-OneVision and LLaVA-Video checkpoints in transformers' layout (LlavaOnevisionForConditionalGeneration)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoProcessor, LlavaOnevisionForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from framethrift.evaluation.backbones.generating import Generating
from framethrift.evaluation.backbones.protocol import Seen
from framethrift.models.encoder_attention import pooled_to, watched_layer

CHUNK = 32  # frames that go through the tower at a time: they do not see each other there


class LlavaOnevision(Generating):
    """The class's video path: every frame at the tower's size, pooled by two, one newline at the end of the video.

    The checkpoint decides the number of tokens per frame; a wish for fewer is not one it can meet.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        processor = AutoProcessor.from_pretrained(folder)
        model = LlavaOnevisionForConditionalGeneration.from_pretrained(folder, dtype=dtype)
        super().__init__(model, processor, processor.tokenizer, device)

    @torch.inference_mode()
    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        parts = []
        for start in range(0, len(frames), CHUNK):
            video = torch.from_numpy(frames[start : start + CHUNK]).permute(0, 3, 1, 2)
            pixels = self.processor.video_processor(video, do_sample_frames=False, return_tensors="pt")["pixel_values_videos"]
            pixels = pixels.to(self.device, self.model.dtype)
            parts.append(self.model.model.get_video_features(pixels, return_dict=True).pooler_output[0])
        newline = parts[-1][-1:]
        seen = torch.cat([*(part[:-1] for part in parts), newline])
        return Seen(seen, len(frames), (len(seen) - 1) // len(frames))

    @property
    def decoder(self) -> torch.nn.Module:
        return self.model.model.language_model

    def observed(self, frames: NDArray[np.uint8], times: Sequence[float]) -> Seen:
        """As `see`, with attention and keys of the layer whose output the projector reads, pooled as the tokens are."""
        layers = self.model.model.vision_tower.encoder.layers
        with watched_layer(layers[self.model.config.vision_feature_layer]) as watched:
            seen = self.see(frames, times)
        attention, keys = (torch.cat(parts) for parts in zip(*watched, strict=True))
        side, grid = math.isqrt(attention.shape[1]), math.isqrt(seen.per_step)
        return replace(seen, attention=pooled_to(attention[..., None], side, grid)[..., 0], keys=pooled_to(keys, side, grid))

    def words(self, text: str) -> Tensor:
        return self.model.get_input_embeddings()(self._ids(text)[0])

    def places(self, question: str, seen: Seen | None) -> Tensor:
        return self._prompt_ids(question, seen) == self.model.config.video_token_id

    def _looked(self, seen: Seen, ids: Tensor) -> dict[str, Any]:
        return {"mm_encoder_outputs": {"video": BaseModelOutputWithPooling(pooler_output=seen.tokens[None])}}
