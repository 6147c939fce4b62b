"""What a set of comparisons can show: Holm's correction, and the smallest difference that a benchmark's size can detect."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

SIGNIFICANCE = 0.05
POWER = 0.8
# Assumed where nothing has been measured: two systems differ on a quarter of the questions, whose differences correlate by 0.1
# within a video.
DISAGREEMENT = 0.25
CORRELATION = 0.1


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being one family (Holm 1979): each is the smallest level at which its comparison would be rejected.

    Raises ValueError for a p-value outside [0, 1].
    """
    if not all(0 <= value <= 1 for value in p_values):
        raise ValueError(f"p-values {list(p_values)}: each must lie in [0, 1]")
    return [float(value) for value in multipletests(p_values, method="holm")[1]] if len(p_values) else []


def expected_error(questions: int, videos: int, *, disagreement: float = DISAGREEMENT, correlation: float = CORRELATION) -> float:
    """Standard error to expect of a paired difference on `questions` questions, equally many per video.

    `disagreement` is the share of questions on which the systems' 0/1 scores differ: the variance of one question's difference
    when the accuracies are equal. Questions of one video correlate by `correlation`, which widens the error by Kish's design
    effect 1 + (m - 1) correlation, m questions per video. Raises ValueError for impossible sizes or shares.
    """
    if not 1 <= videos <= questions or not 0 < disagreement <= 1 or not 0 <= correlation <= 1:
        raise ValueError(
            f"questions {questions}, videos {videos}, disagreement {disagreement}, correlation {correlation}: expected "
            "1 <= videos <= questions, a disagreement in (0, 1] and a correlation in [0, 1]"
        )
    effect = 1 + (questions / videos - 1) * correlation
    return float(np.sqrt(disagreement * effect / questions))


def minimum_detectable(error: float, videos: int, *, significance: float = SIGNIFICANCE, power: float = POWER) -> float:
    """Smallest true paired difference that a two-sided test finds with probability `power`, given its standard error.

    The test has `videos` independent units. In the unit of `error`. Raises ValueError for fewer than three videos.
    """
    if videos < 3 or error < 0:
        raise ValueError(f"error {error}, videos {videos}: expected an error of at least 0 and at least three videos")
    size = TTestPower().solve_power(nobs=videos, alpha=significance, power=power)
    return float(size * np.sqrt(videos) * error)
