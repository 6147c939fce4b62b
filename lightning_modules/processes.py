"""Training in several processes: which one this is, its share of a batch, and what they agree on.

The processes are started by `framethrift.cli.launch`, one per GPU, and find each other through torchrun's variables. Everything
here is also right, and costs nothing, in a single process.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy
from torch import Tensor, distributed


def count() -> int:
    """Number of training processes."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def rank() -> int:
    """Number of this process, from 0; only process 0 exports models."""
    return int(os.environ.get("RANK") or 0)


def share(size: int) -> slice:
    """This process's equal part of a global batch of `size`, so that the mean over processes is the mean over the batch.

    Raises ValueError when the batch cannot be divided.
    """
    if size % count():
        raise ValueError(f"a batch of {size} cannot be shared equally by {count()} processes: change devices or nodes")
    own = size // count()
    return slice(rank() * own, (rank() + 1) * own)


def parts(size: int, largest: int) -> int:
    """Into how many passes a process's share of a global batch of `size` is cut, so that none has more than `largest`; 0: one."""
    own = size // count()
    return -(-own // largest) if largest else 1


def stream(name: str) -> str:
    """A name for this process's own random draws: process 0 draws what a single one would."""
    return name if rank() == 0 else f"{name}/{rank()}"


def trainer_settings(sharded: bool) -> dict[str, Any]:
    """Keyword arguments of lightning.Trainer: where it trains, and how the processes keep in step.

    `sharded` splits the model over the processes (FSDP, see the module's configure_model), otherwise each holds it all (DDP).
    NCCL connects GPUs, gloo processes on CPUs. The environment is named because Lightning would take a SLURM job step for
    one process of many, and requeue the job itself.

    Raises ValueError when this node has GPUs, but fewer than processes.
    """
    if count() == 1:
        return {"accelerator": "auto", "devices": 1, "plugins": [LightningEnvironment()]}
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    gpus = torch.cuda.device_count()
    if 0 < gpus < here:
        raise ValueError(
            f"{here} processes on a node with {gpus} GPUs: lower devices (resources of the rule), or ask for more GPUs"
        )
    backend = "nccl" if gpus else "gloo"
    strategy: DDPStrategy | ModelParallelStrategy = DDPStrategy(process_group_backend=backend)
    if sharded:
        strategy = ModelParallelStrategy(
            data_parallel_size=count(), tensor_parallel_size=1, save_distributed_checkpoint=False, process_group_backend=backend
        )
    return {
        "accelerator": "cuda" if gpus else "cpu",
        "devices": here,
        "num_nodes": count() // here,
        "strategy": strategy,
        "plugins": [TorchElasticEnvironment()],
    }


def average(metrics: Mapping[str, float], trainer: lightning.Trainer) -> dict[str, float]:
    """Means over the processes, which must all name the same metrics."""
    if count() == 1 or not metrics:
        return dict(metrics)
    values = torch.tensor([metrics[name] for name in sorted(metrics)], device=trainer.strategy.root_device)
    distributed.all_reduce(values)
    return dict(zip(sorted(metrics), (values / count()).tolist(), strict=True))


def total(value: Tensor) -> Tensor:
    """Sum over the processes."""
    if count() > 1:
        value = value.clone()
        distributed.all_reduce(value)
    return value


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace gradients by their means over the processes; where no process has one, none appears.

    For parameters that every process holds in full and that not every batch uses: DDP would wait for their gradients.
    """
    if count() == 1:
        return
    found = list(parameters)
    if not found:
        return
    used = torch.tensor([float(parameter.grad is not None) for parameter in found], device=found[0].device)
    distributed.all_reduce(used)
    shared = [parameter for parameter, processes in zip(found, used.tolist(), strict=True) if processes]
    if not shared:
        return
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in shared]
    joined = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(joined)
    joined /= count()
    for parameter, mean in zip(shared, joined.split([gradient.numel() for gradient in gradients]), strict=True):
        parameter.grad = mean.view_as(parameter).clone()
