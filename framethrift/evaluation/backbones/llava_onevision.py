"""LLaVA-OneVision and LLaVA-Video checkpoints in transformers' layout (LlavaOnevisionForConditionalGeneration)."""

from collections.abc import Sequence
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
            pixels = self._processor.video_processor(video, do_sample_frames=False, return_tensors="pt")["pixel_values_videos"]
            pixels = pixels.to(self.device, self._model.dtype)
            parts.append(self._model.model.get_video_features(pixels, return_dict=True).pooler_output[0])
        newline = parts[-1][-1:]
        seen = torch.cat([*(part[:-1] for part in parts), newline])
        return Seen(seen, len(frames), (len(seen) - 1) // len(frames))

    def _looked(self, seen: Seen, ids: Tensor) -> dict[str, Any]:
        return {"mm_encoder_outputs": {"video": BaseModelOutputWithPooling(pooler_output=seen.tokens[None])}}
