"""The reward of a rollout: accuracy + format + informativeness (MSJoE 1.3: 0.8, 0.1, 0.1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framethrift.config.training import JointEvolution


@dataclass(frozen=True)
class Rewards:
    """Reward parts of a batch of rollouts, arrays of one shape."""

    accuracy: NDArray[np.float64]
    format: NDArray[np.float64]
    informativeness: NDArray[np.float64]

    @property
    def total(self) -> NDArray[np.float64]:
        """Sum of the parts."""
        return self.accuracy + self.format + self.informativeness


def joint_rewards(
    right: NDArray[np.bool_], well_formed: NDArray[np.bool_], informative_share: NDArray[np.float64], settings: JointEvolution
) -> Rewards:
    """Rewards of rollouts, arrays of one shape.

    right: the parsed answer is the true one (an unparsable or empty answer is wrong). well_formed: the queries parse and the
    answer parses (sources say "correct output format"). informative_share: share of the rollout's own queries that are
    informative, 0 for a rollout whose queries did not parse.
    Raises ValueError when shapes disagree or a share lies outside [0, 1] (NaN included).
    """
    if not right.shape == well_formed.shape == informative_share.shape:
        raise ValueError(
            f"shapes disagree: right {right.shape}, well_formed {well_formed.shape}, shares {informative_share.shape}"
        )
    if not ((informative_share >= 0) & (informative_share <= 1)).all():
        raise ValueError(f"informative_share must lie in [0, 1], found {informative_share.min()} to {informative_share.max()}")
    return Rewards(
        accuracy=settings.accuracy_reward * right.astype(np.float64),
        format=settings.format_reward * well_formed.astype(np.float64),
        informativeness=settings.informativeness_reward * informative_share,
    )
