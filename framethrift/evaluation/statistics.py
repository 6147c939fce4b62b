"""Accuracy with a cluster bootstrap over videos, and paired differences on the same questions.

Questions of one video are not independent: whole videos are resampled (Miller, arXiv 2411.00640, argues for clustered
errors; the percentile bootstrap is used because accuracies near 0 and 1 are not normal).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean over questions with its 95 % interval; `n` questions in `clusters` videos."""

    value: float
    low: float
    high: float
    n: int
    clusters: int


@dataclass(frozen=True)
class Difference(Estimate):
    """Mean of a − b on the same questions; `p_value` is two-sided."""

    p_value: float


def accuracy(scores: Sequence[float], videos: Sequence[str], *, resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean score (one per question) with the 95 % percentile interval of a bootstrap over videos.

    `videos` names each question's video. A resample draws as many videos as there are, with replacement, and takes the
    mean over all their questions. Raises ValueError for empty or unequal inputs.
    """
    sums, counts = _per_cluster(scores, videos)
    means = _resampled_means(sums, counts, resamples, seed)
    low, high = _interval(means)
    return Estimate(float(sums.sum() / counts.sum()), low, high, int(counts.sum()), len(counts))


def paired_difference(
    first: Sequence[float], second: Sequence[float], videos: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> Difference:
    """Mean of first − second over the same questions, in the same order, with interval and p-value over videos.

    The p-value inverts the percentile interval: twice the smaller share of resampled differences on either side of zero,
    each counted with one added resample, so that it is never exactly 0. Raises ValueError for unequal lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores: a paired difference needs the same questions on both sides")
    sums, counts = _per_cluster(np.asarray(first, dtype=float) - np.asarray(second, dtype=float), videos)
    means = _resampled_means(sums, counts, resamples, seed)
    low, high = _interval(means)
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    p_value = min(1.0, 2 * (tail + 1) / (resamples + 1))
    return Difference(float(sums.sum() / counts.sum()), low, high, int(counts.sum()), len(counts), p_value)


def chance(options: Sequence[Sequence[str]]) -> float:
    """Expected accuracy of guessing uniformly among each question's options: the mean of 1 / number of options."""
    if not options or not all(len(choices) for choices in options):
        raise ValueError("options: chance needs at least one question, and at least one option for each")
    return float(np.mean([1 / len(choices) for choices in options]))


def _per_cluster(scores: Sequence[float] | np.ndarray, videos: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(scores, dtype=float)
    if values.ndim != 1 or not len(values) or len(values) != len(videos):
        raise ValueError(f"{values.shape} scores and {len(videos)} videos: expected one video per score, and at least one")
    if not np.isfinite(values).all():
        raise ValueError("scores: every question needs a finite score; unparsable answers score 0")
    _, cluster = np.unique(np.asarray(videos, dtype=object).astype(str), return_inverse=True)
    return np.bincount(cluster, weights=values), np.bincount(cluster).astype(float)


def _resampled_means(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(resamples,) means over as many drawn clusters as there are, in chunks that bound the memory."""
    clusters = len(sums)
    rng = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // clusters)
    means = []
    for start in range(0, resamples, chunk):
        drawn = rng.integers(0, clusters, size=(min(chunk, resamples - start), clusters))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    return np.concatenate(means)


def _interval(means: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
