"""Rewards, advantages and objectives of MSJoE's RL stages: pure functions."""

from framethrift.rewards.advantages import centred, dead_groups, difficulty_advantage, group_advantage
from framethrift.rewards.informativeness import informative
from framethrift.rewards.objectives import grpo_loss, importance_weight, reinforce_loss
from framethrift.rewards.total import Rewards, joint_rewards

__all__ = [
    "Rewards",
    "centred",
    "dead_groups",
    "difficulty_advantage",
    "group_advantage",
    "grpo_loss",
    "importance_weight",
    "informative",
    "joint_rewards",
    "reinforce_loss",
]
