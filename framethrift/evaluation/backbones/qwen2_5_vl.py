"""Qwen2.5-VL checkpoints (Qwen2_5_VLForConditionalGeneration)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from framethrift.evaluation.backbones.generating import Generating
from framethrift.evaluation.backbones.protocol import Seen

FIRST_STEP = 1.0  # seconds per frame where a single one is shown and there is no spacing to measure


class Qwen2_5_VL(Generating):
    """The class's video path: native resolution, two frames per time step, positions in seconds.

    The class knows one spacing of time steps per video; for frames picked unevenly it is their mean.
    """

    def __init__(self, folder: Path, device: torch.device, dtype: torch.dtype) -> None:
        processor = AutoProcessor.from_pretrained(folder)
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, dtype=dtype)
        super().__init__(model, processor, processor.tokenizer, device)
        self._counted = self.model.model.get_rope_index
        self.model.model.get_rope_index = self._rope_index

    def _rope_index(self, input_ids: Tensor, *args: Any, **inputs: Any) -> tuple[Tensor, Tensor]:
        """As the class's own, for one video, but the text behind it goes on after its last time step, as in training.

        transformers since 5.3 goes on after the size of a frame, in the midst of a long video (issue 45381).
        """
        positions, ahead = self._counted(input_ids, *args, **inputs)
        for row, ids in enumerate(input_ids):
            places = (ids == self.model.config.video_token_id).nonzero()[:, 0]
            if len(places):
                behind = int(places[-1]) + 1
                late = positions[:, row, places].max() + 1 - positions[0, row, behind]
                positions[:, row, behind:] += late
                ahead[row] = positions[:, row].max() + 1 - len(ids)
        return positions, ahead

    @torch.inference_mode()
    def see(self, frames: NDArray[np.uint8], times: Sequence[float], tokens: int | None = None) -> Seen:
        processor = self.processor.video_processor
        video = torch.from_numpy(frames).permute(0, 3, 1, 2)
        # The cap on a whole video's tokens is the authors' own (qwen-vl-utils).
        limits = {"do_sample_frames": False, "cap_pixels_per_frame": True, **self._size(tokens)}
        inputs = processor(video, return_tensors="pt", **limits)
        grid = inputs["video_grid_thw"].to(self.device)
        pixels = inputs["pixel_values_videos"].to(self.device)
        seen = self.model.model.get_video_features(pixels, grid, return_dict=True).pooler_output[0]
        steps = int(grid[0, 0])
        spacing = abs(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else FIRST_STEP
        seconds = torch.tensor([processor.temporal_patch_size * spacing], device=self.device)
        return Seen(seen, steps, len(seen) // steps, {"video_grid_thw": grid, "second_per_grid_ts": seconds})

    def _size(self, tokens: int | None) -> dict[str, Any]:
        """The processor's limits, in pixels per frame, that leave at most `tokens` tokens per time step."""
        if tokens is None:
            return {}
        processor = self.processor.video_processor
        most = tokens * (processor.patch_size * processor.merge_size) ** 2
        return {"size": {"shortest_edge": min(processor.size["shortest_edge"], most // 2), "longest_edge": most}}

    def read(self, question: str, seen: Seen | None) -> tuple[Tensor, Tensor]:
        """Ids (L,) of the prompt behind what was seen, and the three rotary positions (3, L) of each."""
        ids = self._prompt_ids(question, seen)
        if seen is None:
            return ids[0], torch.arange(ids.shape[1], device=ids.device).expand(3, -1)
        positions, _ = self.model.model.get_rope_index(ids, self._kinds(ids), **seen.layout)
        return ids[0], positions[:, 0]

    def _kinds(self, ids: Tensor) -> Tensor:
        return torch.tensor(self.processor.create_mm_token_type_ids(ids.tolist()), device=self.device)

    def _looked(self, seen: Seen, ids: Tensor) -> dict[str, Any]:
        looked = {"video": BaseModelOutputWithPooling(pooler_output=(seen.tokens,))}
        return {"mm_encoder_outputs": looked, "mm_token_type_ids": self._kinds(ids), **seen.layout}
