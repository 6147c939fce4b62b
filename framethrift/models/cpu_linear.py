"""Linear layers whose products on a CPU are oneDNN's.

torch gives float32 products to MKL, which on an AMD CPU leaves the widest instructions unused; oneDNN, which torch carries for
convolutions, takes half the time for the same product in the same precision. That is a fifth of a miniature's training step.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

WORTHWHILE = 3_000_000  # multiply-adds; below, calling oneDNN takes longer than it saves


class OneDnnLinear(nn.Linear):
    """nn.Linear whose larger float32 products on a CPU are oneDNN's, forward and backward; all others go the usual way."""

    def forward(self, input: Tensor) -> Tensor:
        """(…, features in) → (…, features out)."""
        plain = input.device.type == "cpu" and input.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        if plain and input.numel() * self.out_features >= WORTHWHILE:
            return _Linear.apply(input, self.weight, self.bias)
        return super().forward(input)


def multiply_by_onednn(module: nn.Module) -> None:
    """Make every nn.Linear of `module` a OneDnnLinear, in place, where this build of torch carries oneDNN; names stay."""
    if torch.backends.mkldnn.is_available():
        for child in module.modules():
            if type(child) is nn.Linear:
                child.__class__ = OneDnnLinear


def _product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """left (…, k) · rightᵀ (n, k) + bias (n) → (…, n)."""
    return torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(states, weight)
        return _product(states, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        states, weight = ctx.saved_tensors
        rows, read = gradient.flatten(end_dim=-2), states.flatten(end_dim=-2)
        of_states, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if of_states else None,
            _product(rows.t(), read.t()) if of_weight else None,
            rows.sum(dim=0) if of_bias else None,
        )
