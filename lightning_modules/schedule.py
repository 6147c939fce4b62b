"""The optimiser of every supervised stage: AdamW, linear warm-up, cosine decay to zero."""

import math
from typing import Any

import torch

from framethrift.config.training import Optimisation


def adamw(groups: list[dict[str, Any]], settings: Optimisation) -> dict[str, Any]:
    """Lightning's optimiser description for parameter `groups`; a group may carry its own peak `lr`."""
    optimiser = torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: factor(step, settings.warmup_steps, settings.steps))
    return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def factor(step: int, warmup: int, total: int) -> float:
    """Share of the peak learning rate at `step` (0-based)."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, total - warmup))))
