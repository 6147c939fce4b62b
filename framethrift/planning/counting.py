"""Counting what a pass of a real model costs, without its weights.

A module is built on the meta device from its own class; fake tensors then run through it, forward and backward, while torch's
FLOP counter counts and autograd tells what it keeps. Nothing is computed, so a 7B model takes a second.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

Part = TypeVar("Part", bound=nn.Module)


@dataclass(frozen=True)
class Work:
    """FLOPs of a forward and a backward pass, and the bytes autograd keeps between them.

    A multiply-add is two FLOPs, attention is counted without its causal half and backward without recomputation, as model FLOPs
    are (PaLM, arXiv 2204.02311, App. B).
    """

    forward: float = 0.0
    backward: float = 0.0
    kept: float = 0.0

    @property
    def step(self) -> float:
        """FLOPs forward and backward."""
        return self.forward + self.backward

    def __add__(self, other: "Work") -> "Work":
        return Work(self.forward + other.forward, self.backward + other.backward, self.kept + other.kept)

    def __mul__(self, times: float) -> "Work":
        return Work(self.forward * times, self.backward * times, self.kept * times)

    def __sub__(self, other: "Work") -> "Work":
        return self + other * -1


@dataclass(frozen=True)
class Growth:
    """Work of a sequence: so much per token, so much per pair of tokens."""

    token: Work
    pair: Work

    def of(self, length: float) -> Work:
        """Work of a sequence of `length` tokens."""
        return self.token * length + self.pair * length**2

    @classmethod
    def measured(cls, count_at: Callable[[int], Work], length: int = 32) -> "Growth":
        """From the counts at `length` and twice that: a transformer's cost is exactly linear plus quadratic."""
        short, long = count_at(length), count_at(2 * length)
        pair = (long - short * 2) * (1 / (2 * length**2))
        return cls((short - pair * length**2) * (1 / length), pair)


def parameters(module: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(build: Callable[[], Part]) -> Part:
    """What `build` makes, without memory for its weights."""
    with torch.device("meta"):
        return build()


class Bench:
    """Runs modules on fake tensors. `mixed`: as under bf16 autocast, else in 32 bits."""

    def __init__(self, mixed: bool) -> None:
        self._mixed = mixed
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)

    def place(self, module: Part) -> Part:
        """Give a meta module fake weights. Those that autocast would copy to bf16 are bf16: the copies are no activations."""
        if self._mixed:
            for part in module.modules():
                if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv2d):
                    part.to(torch.bfloat16)
        with self._mode:
            module.to_empty(device="cpu")
        return module.train()

    def count(
        self, run: Callable[..., Tensor], *shapes: tuple[int, ...], of: nn.Module, learns: bool = False, backward: bool = True
    ) -> Work:
        """Work of `run` on fake inputs of these shapes; `of` holds its weights, `learns` says that the inputs need a gradient.

        Without `backward`, only the forward pass is counted, and what it keeps.
        """
        kept: dict[int, tuple[Any, int]] = {}
        weights = {_storage(parameter) for parameter in of.parameters()}

        def keep(tensor: Tensor) -> Tensor:
            if _storage(tensor) not in weights:
                kept[_storage(tensor)] = (tensor.untyped_storage(), tensor.untyped_storage().nbytes())
            return tensor

        cast = torch.autocast("cpu", torch.bfloat16) if self._mixed else nullcontext()
        with self._mode:
            inputs = [torch.empty(shape, requires_grad=learns) for shape in shapes]
            with cast, torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter() as ahead:
                output = run(*inputs)
            with counter() as back:
                if backward and output.requires_grad:
                    output.backward(torch.empty_like(output))
        return Work(ahead.get_total_flops(), back.get_total_flops(), sum(size for _, size in kept.values()))


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def counter() -> FlopCounterMode:
    """torch's counter, taught the fused attention that fake CPU tensors take; backward is two products per forward one."""
    aten = torch.ops.aten
    return FlopCounterMode(
        display=False,
        custom_mapping={
            aten._scaled_dot_product_flash_attention_for_cpu: _attention,
            aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
        },
    )


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def _attention_backward(_: Any, query: Any, key: Any, value: Any, *__: Any, **___: Any) -> int:
    return 2 * sdpa_flop_count(query, key, value)
