"""`generate` for streams of frames: what transformers' loop must know about inputs that are listed per frame, not per row."""

from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin, PreTrainedTokenizerBase

from framethrift.models.tokenizer import END, PAD, STREAM_TOKENS

# Inputs with one entry per I-frame and per P-frame of the batch, in reading order.
IMAGE_INPUTS = ("pixel_values", "image_features", "image_grids")
DELTA_INPUTS = ("motion", "residual", "delta_embeds")


def generation_config(tokenizer: PreTrainedTokenizerBase) -> GenerationConfig:
    """Greedy answers that end with the turn and never contain a placeholder: no frame would belong to it."""
    end, pad, *placeholders = (tokenizer.convert_tokens_to_ids(token) for token in (END, PAD, *STREAM_TOKENS))
    return GenerationConfig(eos_token_id=end, pad_token_id=pad, suppress_tokens=placeholders, do_sample=False)


class VideoGeneration(GenerationMixin):
    """Feeds the video once, with the prompt, and repeats it by row when a prompt gets several answers or beams."""

    config: Any
    delta_encoder: Any

    def prepare_inputs_for_generation(self, *args: Any, is_first_iteration: bool | None = False, **kwargs: Any) -> Any:
        """As transformers, but later steps find the video in the cache, if there is one."""
        parent: Any = super()
        inputs = parent.prepare_inputs_for_generation(*args, is_first_iteration=is_first_iteration, **kwargs)
        if not is_first_iteration and kwargs.get("use_cache", True):
            for name in (*IMAGE_INPUTS, *DELTA_INPUTS):
                inputs.pop(name, None)
        return inputs

    def _expand_inputs_for_generation(
        self, expand_size: int = 1, is_encoder_decoder: bool = False, input_ids: Tensor | None = None, **model_kwargs: Any
    ) -> Any:
        video = {name: model_kwargs.pop(name) for name in (*IMAGE_INPUTS, *DELTA_INPUTS) if model_kwargs.get(name) is not None}
        if expand_size > 1 and input_ids is not None:
            sizes = [int(grid) ** 2 for grid in video.get("image_grids", [])]
            images = _frames_per_row(input_ids == self.config.image_token_id, sizes or [self.config.grid**2])
            deltas = _frames_per_row(input_ids == self.config.delta_token_id, [self.delta_encoder.token_count])
            for name, tensor in video.items():
                rows = torch.as_tensor(tensor).split(images if name in IMAGE_INPUTS else deltas)
                video[name] = torch.cat([row for row in rows for _ in range(expand_size)])
        parent: Any = super()
        expanded, kwargs = parent._expand_inputs_for_generation(expand_size, is_encoder_decoder, input_ids, **model_kwargs)
        return expanded, kwargs | video


def _frames_per_row(placeholders: Tensor, sizes: list[int]) -> list[int]:
    """Frames that each row of `placeholders` (B, L) shows; in reading order they take `sizes` places, the last size repeats."""
    counts, frame = [], 0
    for places in placeholders.sum(dim=1).tolist():
        first = frame
        while places > 0:
            places -= sizes[min(frame, len(sizes) - 1)]
            frame += 1
        counts.append(frame - first)
    return counts
