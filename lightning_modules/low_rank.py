"""LoRA for the VideoLM's language model: adapters by peft while it trains, plain weights when it is exported."""

import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import Tensor

from framethrift.config.training import Lora
from framethrift.models.modelling import CopeVideoForConditionalGeneration

# Every linear layer of a Qwen2 block, as LLaVA-Video's own LoRA option takes them.
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_BASE, _DOWN, _UP = ".base_layer.", ".lora_A.default.weight", ".lora_B.default.weight"


def add_adapters(model: CopeVideoForConditionalGeneration, settings: Lora, seed: int) -> None:
    """Freeze the language model and put an adapter beside each of its blocks' linear layers, in place; drawn from `seed`."""
    model.language_model.requires_grad_(False)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=list(LAYERS))  # type: ignore[arg-type]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model.language_model)


def merged(state: dict[str, Tensor], settings: Lora) -> dict[str, Tensor]:
    """A state with adapters → the same weights without: W + alpha / rank · B A, under the names that they had before."""
    plain = {}
    for name, tensor in state.items():
        if name.endswith((_DOWN, _UP)):
            continue
        prefix, base, kind = name.partition(_BASE)
        if base and kind == "weight":
            low_rank = state[prefix + _UP].float() @ state[prefix + _DOWN].float()
            tensor = (tensor.float() + settings.alpha / settings.rank * low_rank).to(tensor.dtype)
        plain[f"{prefix}.{kind}" if base else name] = tensor
    return plain
