"""The image encoder: transformers' SigLIP, trained in the study or loaded, cut as LLaVA-Video cuts it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, SiglipConfig, SiglipModel, SiglipTextConfig, SiglipVisionConfig, SiglipVisionModel

from framethrift.config.models import VisionTower

CAPTION_TOKENS = 64  # SigLIP's published text context


def vision_config(settings: VisionTower, layers: int) -> SiglipVisionConfig:
    """transformers' configuration of a tower with `layers` layers."""
    return SiglipVisionConfig(
        hidden_size=settings.hidden_size,
        intermediate_size=settings.intermediate_size,
        num_hidden_layers=layers,
        num_attention_heads=settings.heads,
        image_size=settings.image_size,
        patch_size=settings.patch_size,
    )


def cut_config(settings: VisionTower) -> SiglipVisionConfig:
    """transformers' configuration of the tower as the VideoLM uses it: last layers dropped, no pooling head."""
    config = vision_config(settings, settings.layers - settings.drop_layers)
    config.vision_use_head = False
    return config


def build_siglip(settings: VisionTower, vocabulary: int, seed: int) -> SiglipModel:
    """A SigLIP with random weights drawn from `seed`, both towers of the same width, to be trained in the study."""
    text = SiglipTextConfig(
        vocab_size=vocabulary,
        hidden_size=settings.hidden_size,
        intermediate_size=settings.intermediate_size,
        num_hidden_layers=settings.text_layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=CAPTION_TOKENS,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision_config(settings, settings.layers)))
    # SigLIP's own start: with no bias against the many negatives of a batch, a small model learns nothing else for long.
    nn.init.constant_(model.logit_scale, math.log(10.0))
    nn.init.constant_(model.logit_bias, -10.0)
    return model


def load_tower(source: str | Path, drop_layers: int) -> SiglipVisionModel:
    """The tower of a SigLIP folder (or hub name) without its last `drop_layers` layers, post-layernorm and pooling head.

    LLaVA-Video reads the hidden state after the second-to-last layer, before any final normalisation.

    Raises ValueError when the checkpoint lacks weights of the tower or has no layer left.
    """
    kind = AutoConfig.from_pretrained(source).model_type
    known: dict[str, Any] = {"siglip": SiglipModel, "siglip_vision_model": SiglipVisionModel}
    if kind not in known:
        raise ValueError(f"{source}: a {kind} model, allowed: {sorted(known)}")
    loaded, loading = known[kind].from_pretrained(source, output_loading_info=True, dtype=torch.float32, use_safetensors=True)
    if loading["missing_keys"]:
        raise ValueError(f"{source}: incomplete, missing tensors: {sorted(loading['missing_keys'])[:3]} …")
    tower = loaded.vision_model if isinstance(loaded, SiglipModel) else loaded
    kept = tower.config.num_hidden_layers - drop_layers
    if kept < 1:
        raise ValueError(f"{source}: drop_layers {drop_layers} leaves none of {tower.config.num_hidden_layers} layers")
    tower.encoder.layers = tower.encoder.layers[:kept]
    tower.config.num_hidden_layers = kept
    return cut_head(tower)


def cut_head(tower: SiglipVisionModel) -> SiglipVisionModel:
    """Remove what follows the last encoder layer, in place; the tower's last hidden state is then the encoder's."""
    del tower.post_layernorm
    tower.add_module("post_layernorm", nn.Identity())
    tower.use_head = tower.config.vision_use_head = False
    if hasattr(tower, "head"):
        del tower.head
    return tower


def tower_features(tower: SiglipVisionModel, pixels: Tensor) -> Tensor:
    """Image tokens (n, patches, d) of preprocessed frames (n, 3, S, S), row by row."""
    return tower(pixel_values=pixels).last_hidden_state


def feature_scale(tower: SiglipVisionModel) -> float:
    """Root mean square of the tower's features on a fixed noise image: the scale that Δ-tokens start from."""
    side, device = int(tower.config.image_size), tower.device
    if device.type == "meta":
        return 1.0
    noise = torch.rand((1, 3, side, side), generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        return float(tower_features(tower, noise.to(device, tower.dtype)).float().square().mean().sqrt())


def preprocess(frames: NDArray[np.uint8] | Tensor, image_size: int) -> Tensor:
    """Frames (n, H, W, 3) uint8 → (n, 3, S, S) float32 in [−1, 1]: bicubic resize without crop, mean = std = 0.5, as SigLIP.

    Raises ValueError for any other shape or type.
    """
    tensor = torch.as_tensor(frames)
    if tensor.ndim != 4 or tensor.shape[-1] != 3 or tensor.dtype != torch.uint8:
        raise ValueError(f"frames must be uint8 (n, H, W, 3), found {tensor.dtype} {tuple(tensor.shape)}")
    pixels = tensor.permute(0, 3, 1, 2).float()
    if pixels.shape[-2:] != (image_size, image_size):
        pixels = functional.interpolate(pixels, size=(image_size, image_size), mode="bicubic", antialias=True).clamp_(0, 255)
    return pixels.div_(127.5).sub_(1).contiguous()
