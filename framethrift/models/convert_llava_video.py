"""From the published LLaVA-Video / LLaVA-NeXT checkpoint layout to a CoPE VideoLM folder, refusing whatever does not fit."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from framethrift.config.models import Models
from framethrift.models.configuration import CopeVideoConfig, build_config
from framethrift.models.delta_encoder import build_delta_encoder
from framethrift.models.generation import generation_config
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.vision import cut_config

# What the published configuration must say for the weights to mean what this architecture does with them.
REQUIRED = {
    "mm_projector_type": "mlp2x_gelu",
    "mm_newline_position": "grid",
    "mm_spatial_pool_mode": "bilinear",
    "tie_word_embeddings": False,
}

VISION = "model.vision_tower.vision_tower.vision_model."
RENAMED = {
    "model.image_newline": "image_newline",
    "model.mm_projector.0.weight": "projector.first.weight",
    "model.mm_projector.0.bias": "projector.first.bias",
    "model.mm_projector.2.weight": "projector.second.weight",
    "model.mm_projector.2.bias": "projector.second.bias",
}


class ConversionError(ValueError):
    """A checkpoint that is not LLaVA-Video in the shape asked for."""


def convert_llava_video(source: Path, target: Path, models: Models, tokenizer: PreTrainedTokenizerBase, seed: int) -> None:
    """Write the checkpoint folder `source` as the VideoLM folder `target`, shard by shard, with a random Δ-encoder from `seed`.

    `models` gives the shapes. The tower's post-layernorm and its deleted last layer are not read where a checkpoint has them;
    every other tensor must be needed, and every needed tensor must be there in its shape.

    Raises ConversionError naming the offending setting or the missing, left-over and misshapen tensors, or a target that exists.
    """
    if target.exists():
        raise ConversionError(f"{target} exists; choose another folder or remove it")
    shards = sorted(source.glob("*.safetensors"))
    if not shards:
        raise ConversionError(f"{source}: no *.safetensors file")
    _check_settings(source, models)
    config = build_config(models, cut_config(models.vision), tokenizer)
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in CopeVideoForConditionalGeneration(config).state_dict().items()}
    names = _matched(shards, expected, models.vision.layers - models.vision.drop_layers)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.mkdir(parents=True)
    try:
        _write(shards, temporary, names, config, models, seed)
        CopeVideoProcessor.of(models, tokenizer).save_pretrained(temporary)
        generation_config(tokenizer).save_pretrained(temporary)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _check_settings(source: Path, models: Models) -> None:
    path = source / "config.json"
    if not path.is_file():
        raise ConversionError(f"{path} is missing")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    wanted = REQUIRED | {"mm_spatial_pool_stride": models.vision.pool_stride, "rope_theta": 1_000_000.0, "rms_norm_eps": 1e-6}
    wanted |= {"num_attention_heads": models.language.heads, "num_key_value_heads": models.language.kv_heads}
    wrong = [f"{name} is {facts.get(name)!r}, needed {value!r}" for name, value in wanted.items() if facts.get(name) != value]
    if wrong:
        raise ConversionError(f"{path}: " + "; ".join(wrong))


def _new_name(name: str, kept_layers: int) -> str | None:
    """This architecture's name for a published tensor; None for what the cut tower leaves out; itself when unknown."""
    if name in RENAMED:
        return RENAMED[name]
    if name.startswith(VISION):
        part = name.removeprefix(VISION)
        if part.startswith(("post_layernorm.", f"encoder.layers.{kept_layers}.")):
            return None
        return "vision_tower." + part
    if name == "lm_head.weight" or name.startswith(("model.embed_tokens.", "model.layers.", "model.norm.")):
        return "language_model." + name
    return name


def _matched(shards: list[Path], expected: dict[str, tuple[int, ...]], kept_layers: int) -> dict[str, str]:
    """Published name → our name, of every tensor that is taken over."""
    names, problems, seen = {}, [], set()
    for shard in shards:
        with safe_open(shard, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118  no dictionary: it has keys() but no iterator
                new = _new_name(name, kept_layers)
                if new is None:
                    continue
                shape = tuple(file.get_slice(name).get_shape())
                if new not in expected or new.startswith("delta_encoder."):
                    problems.append(f"left over: {name}")
                elif expected[new] != shape:
                    problems.append(f"misshapen: {name} is {shape}, needed {expected[new]}")
                names[name] = new
                seen.add(new)
    missing = [name for name in expected if name not in seen and not name.startswith("delta_encoder.")]
    problems += [f"missing: {name}" for name in missing]
    if problems:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        raise ConversionError(f"{shards[0].parent}: {shown}")
    return names


def _write(shards: list[Path], target: Path, names: dict[str, str], config: CopeVideoConfig, models: Models, seed: int) -> None:
    encoder = build_delta_encoder(models.delta_encoder, models.vision.hidden_size, seed)
    parts = len(shards) + 1
    weight_map: dict[str, str] = {}
    for number, shard in enumerate([*shards, None], start=1):
        file_name = f"model-{number:05d}-of-{parts:05d}.safetensors"
        tensors: dict[str, Tensor] = {}
        if shard is None:
            tensors = {f"delta_encoder.{name}": tensor.contiguous() for name, tensor in encoder.state_dict().items()}
        else:
            with safe_open(shard, framework="pt") as file:
                tensors = {names[name]: file.get_tensor(name) for name in file.keys() if name in names}  # noqa: SIM118
        save_file(tensors, target / file_name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, file_name)
    (target / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")
    config.architectures = [CopeVideoForConditionalGeneration.__name__]
    config.save_pretrained(target)
