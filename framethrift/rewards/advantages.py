"""Advantages: from pass rates in sampler pre-training, from the group in joint evolution."""

import numpy as np
from numpy.typing import NDArray

STD_FLOOR = 1e-4  # added to the group's standard deviation, as TRL and TSPO do; the paper prints none


def difficulty_advantage(
    right: NDArray[np.bool_], pass_rate: NDArray[np.float64], impossible_bonus: float
) -> NDArray[np.float64]:
    """(B, D) advantages of D answers to each of B questions with base-model pass rates c (B,) (MSJoE 1.5).

    0 < c < 1: +1/c for a right answer, −1/(1 − c) for a wrong one, zero on average at the base model's own rate. c = 0: +bonus
    when right, and the formula's −1 when wrong (not printed).
    Raises ValueError for c outside [0, 1): at c = 1 the formula divides by zero; such questions are left out beforehand.
    """
    if right.ndim != 2 or pass_rate.shape != right.shape[:1]:
        raise ValueError(f"right {right.shape} must be (questions, draws), pass_rate {pass_rate.shape} (questions,)")
    if not ((pass_rate >= 0) & (pass_rate < 1)).all():
        raise ValueError(
            f"pass rates must lie in [0, 1), found {pass_rate.min()} to {pass_rate.max()}; leave questions with c = 1 out"
        )
    possible = pass_rate > 0
    gain = np.where(possible, 1 / np.where(possible, pass_rate, 1.0), impossible_bonus)
    loss = -1 / (1 - pass_rate)
    return np.where(right, gain[:, None], loss[:, None])


def dead_groups(rewards: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(B,) groups of (B, G) rewards in which every rollout got the same: they teach nothing."""
    return rewards.max(axis=1) - rewards.min(axis=1) < 1e-9


def group_advantage(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, G) advantages (r − mean) / (std + 1e-4) within each group of G ≥ 2 rollouts; std with G − 1, as TRL.

    A dead group's advantages are exactly 0. Raises ValueError for rewards that are not finite or groups of one.
    """
    _check(rewards)
    deviation = rewards - rewards.mean(axis=1, keepdims=True)
    scaled = deviation / (rewards.std(axis=1, ddof=1, keepdims=True) + STD_FLOOR)
    return np.where(dead_groups(rewards)[:, None], 0.0, scaled)


def centred(rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, G) rewards or advantages minus their group's mean; errors as `group_advantage`."""
    _check(rewards)
    return rewards - rewards.mean(axis=1, keepdims=True)


def _check(rewards: NDArray[np.float64]) -> None:
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise ValueError(f"rewards {rewards.shape}: expected (questions, rollouts) with at least two rollouts")
    if not np.isfinite(rewards).all():
        raise ValueError("rewards hold a value that is not finite")
