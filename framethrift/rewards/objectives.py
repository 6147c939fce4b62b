"""What is minimised: GRPO's clipped surrogate for the MLLM, REINFORCE for the sampler (MSJoE 1.4)."""

import torch
from torch import Tensor


def grpo_loss(
    log_probability: Tensor,
    old_log_probability: Tensor,
    advantage: Tensor,
    mask: Tensor,
    clip_range: float,
    weight: Tensor | None = None,
) -> Tensor:
    """Scalar −mean over rollouts of the mean over tokens of min(s A, clip(s, 1 − ε, 1 + ε) A), s = π / π_old; no KL term.

    log_probability, old_log_probability: (B, L) of the generated tokens; advantage: (B,); mask: (B, L) bool, generated tokens;
    weight: (B, L) factor of each token's term, `importance_weight` where another engine wrote the tokens.
    The paper writes the ratio of the whole output o_i; it is taken token by token as in GRPO's own paper. A rollout
    without a generated token adds 0. Raises ValueError when shapes disagree.
    """
    if not log_probability.shape == old_log_probability.shape == mask.shape or advantage.shape != mask.shape[:1]:
        raise ValueError(
            f"shapes disagree: log-probabilities {tuple(log_probability.shape)} and {tuple(old_log_probability.shape)}, "
            f"mask {tuple(mask.shape)}, advantage {tuple(advantage.shape)}"
        )
    # Masked before the exponential: padding may hold any value and must not bring inf × 0 into the gradient.
    ratio = torch.exp(torch.where(mask, log_probability - old_log_probability, 0.0))
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    surrogate = torch.minimum(ratio * advantage[:, None], clipped * advantage[:, None])
    if weight is not None:
        surrogate = surrogate * weight
    per_rollout = (surrogate * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
    return -per_rollout.mean()


def importance_weight(trained: Tensor, written: Tensor, mask: Tensor, cap: float) -> Tensor:
    """(B, L) min(π_trained / π_written, cap) of each generated token, 1 off the mask: what an engine draws too often counts less.

    trained, written: log-probabilities (B, L) of the model that is trained and of the engine that wrote the tokens. Truncated
    importance sampling (Yao et al. 2025, "Your efficient RL framework secretly brings you off-policy RL training").
    """
    return torch.exp(torch.where(mask, trained - written, 0.0)).clamp(max=cap).detach()


def reinforce_loss(set_log_probability: Tensor, advantage: Tensor) -> Tensor:
    """Scalar −mean of A · log p(set) over all draws, tensors of one shape; its gradient is REINFORCE's (MSJoE 1.4).

    Raises ValueError when shapes disagree.
    """
    if set_log_probability.shape != advantage.shape:
        raise ValueError(
            f"shapes disagree: log-probabilities {tuple(set_log_probability.shape)}, advantage {tuple(advantage.shape)}"
        )
    return -(advantage.detach() * set_log_probability).mean()
