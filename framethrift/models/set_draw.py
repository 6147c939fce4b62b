"""Drawing K frames without replacement from the sampler's probabilities, and how probable a drawn set is (MSJoE 1.4)."""

from typing import Literal

import torch
from torch import Tensor

GONE = -1e9  # a log-probability that stands for "not there" and keeps gradients finite, which −inf does not


def draw_sets(log_probability: Tensor, frames: int, draws: int, generator: torch.Generator) -> Tensor:
    """(B, draws, K) indices of K frames each, in the order drawn.

    log_probability: (B, T), −inf marks padding. Gumbel noise and the K largest are the same as drawing one frame after
    the other without replacement (the paper names no mechanism).
    Raises ValueError when a row has fewer than K frames.
    """
    _check(log_probability, frames)
    batch, candidates = log_probability.shape
    uniform = torch.rand((batch, draws, candidates), generator=generator, dtype=torch.float64, device=generator.device)
    gumbel = -torch.log(-torch.log(uniform.clamp(min=1e-300))).to(log_probability.device)
    return (log_probability.detach().double()[:, None] + gumbel).topk(frames, dim=-1).indices


def top_frames(log_probability: Tensor, frames: int) -> Tensor:
    """(B, K) indices of the K most probable frames, increasing; equal ones: the earlier frame. Errors as `draw_sets`."""
    _check(log_probability, frames)
    order = torch.argsort(log_probability, dim=-1, descending=True, stable=True)
    return order[:, :frames].sort(dim=-1).values


def set_log_probability(log_probability: Tensor, chosen: Tensor, kind: Literal["sum", "plackett-luce"]) -> Tensor:
    """(B, D) log-probability of drawn sets: log_probability (B, T), chosen (B, D, K) in the order drawn.

    sum: Σ_k log p(x_k), as printed. plackett-luce: Σ_k log [p(x_k) / Σ of p over frames not drawn before], the exact
    probability of drawing these frames in this order.
    """
    picked = log_probability[:, None].expand(-1, chosen.shape[1], -1).gather(2, chosen)
    if kind == "sum":
        return picked.sum(dim=-1)
    # Mass left before the k-th draw = mass never drawn + the k-th and all later draws: added up, never subtracted.
    drawn = torch.zeros_like(log_probability, dtype=torch.bool)[:, None].repeat(1, chosen.shape[1], 1).scatter_(2, chosen, True)
    present = log_probability.masked_fill(log_probability == -torch.inf, GONE)
    never = present[:, None].masked_fill(drawn, GONE).logsumexp(dim=-1, keepdim=True)
    later = picked.flip(-1).logcumsumexp(dim=-1).flip(-1)
    return (picked - torch.logaddexp(never, later)).sum(dim=-1)


def entropy(log_probability: Tensor) -> Tensor:
    """(B,) entropy in nats of each row's probabilities; −inf counts 0."""
    return -(log_probability.exp() * log_probability.masked_fill(log_probability == -torch.inf, 0.0)).sum(dim=-1)


def _check(log_probability: Tensor, frames: int) -> None:
    fewest = int((log_probability > -torch.inf).sum(dim=-1).min())
    if fewest < frames:
        raise ValueError(
            f"{frames} frames cannot be drawn from {fewest} candidates: lower training.key_frames.frames, or leave the video out"
        )
