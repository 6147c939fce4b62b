"""Batch normalisation over the batch of all training processes: with its own share only, each would train another model.

torch's SyncBatchNorm does the same on GPUs and refuses CPUs; this one works, and is tested, on both.
"""

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce

from lightning_modules import processes


class SharedBatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d whose statistics are those of all processes, which must hold equally large shares."""

    def forward(self, input: Tensor) -> Tensor:
        """(n, C, H, W) → (n, C, H, W), normalised per channel."""
        if not self.training or not distributed.is_initialized():
            return super().forward(input)
        mean = all_reduce(input.mean(dim=(0, 2, 3))) / processes.count()
        centred = input - mean[:, None, None]
        variance = all_reduce(centred.square().mean(dim=(0, 2, 3))) / processes.count()
        self._remember(mean, variance, processes.count() * input.numel() // input.shape[1])
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale[:, None, None] + self.bias[:, None, None]

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.momentum is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / max(1, count - 1), self.momentum)


def share_statistics(module: nn.Module) -> None:
    """With several processes, let every nn.BatchNorm2d of `module` see the batch of all of them; in place."""
    if processes.count() == 1:
        return
    for child in module.modules():
        if type(child) is nn.BatchNorm2d:
            child.__class__ = SharedBatchNorm
