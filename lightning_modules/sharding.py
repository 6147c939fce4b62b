"""FSDP for the VideoLM: its language model is split over the processes, everything small is held by each of them."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from framethrift.models.modelling import CopeVideoForConditionalGeneration
from lightning_modules import processes


def shard(model: CopeVideoForConditionalGeneration, mesh: DeviceMesh) -> None:
    """Split the language model over `mesh`, in place, layer by layer, and recompute its activations in the backward pass.

    Tower, projector, newline and Δ-encoder are left whole: a batch without images or P-frames does not use them, which
    FSDP could not know; their gradients need `processes.average_gradients`.
    """
    language = model.language_model
    owned = {id(parameter) for parameter in language.parameters()}
    whole = {parameter for parameter in model.parameters() if id(parameter) not in owned}
    language.train()
    language.gradient_checkpointing_enable()
    for layer in language.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh, ignored_params=whole)


def is_sharded(tensor: Tensor) -> bool:
    """Whether the tensor is split over the processes."""
    return isinstance(tensor, DTensor)


def clip_gradients(parameters: Iterable[Tensor], largest: float) -> None:
    """Scale gradients, split ones and whole ones together, to a norm of at most `largest`."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    parts = [[g for g in gradients if is_sharded(g)], [g for g in gradients if not is_sharded(g)]]
    norms = [nn.utils.get_total_norm(part) for part in parts if part]
    whole = [norm.full_tensor() if isinstance(norm, DTensor) else norm for norm in norms]
    scale = largest / (float(torch.stack(whole).norm()) + 1e-6)
    if scale < 1:
        for gradient in gradients:
            gradient.mul_(scale)


def whole_state(model: nn.Module) -> dict[str, Tensor] | None:
    """The weights of a model that may be split, put together on process 0; None on the others. All processes must call it."""
    if processes.count() == 1:
        return model.state_dict()
    state: dict[str, Any] = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    return state if processes.rank() == 0 else None
