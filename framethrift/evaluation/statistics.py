"""Accuracy with a cluster bootstrap over videos, and paired differences on the same questions.

Questions of one video are not independent: whole videos are resampled (Miller, arXiv 2411.00640, argues for clustered
errors; the percentile bootstrap is used because accuracies near 0 and 1 are not normal). A macro average gives groups of
questions equal weight, level by level: MLVU averages its task types, OVO-Bench its three parts and within them their tasks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

LEVEL = 0.95
_CHUNK = 4_000_000
_KEPT = 20_000_000  # draws of more than this many counts are not kept: 40 MB at two bytes each
_RARE = 20  # fewer resamples than this in the tail: the p-value is estimated anew from FINER times as many
FINER = 20
Levels = Sequence[Sequence[str]]


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


def accuracy(
    scores: Sequence[float], videos: Sequence[str], *, levels: Levels = (), resamples: int = 2000, seed: int = 0
) -> Estimate:
    """Mean score (one per question) with the 95 % percentile interval of a bootstrap over videos.

    `videos` names each question's video. A resample draws as many videos as there are, with replacement, and takes the
    mean over all their questions. `levels` (one sequence of group names per level, outermost first, each with one name per
    question) makes it a macro average; a group that a resample lacks is left out of that resample's average.
    Raises ValueError for empty or unequal inputs.
    """
    totals = _Totals(scores, videos, levels)
    low, high = _interval(totals.resampled(resamples, seed))
    return Estimate(totals.value, low, high, totals.questions, totals.clusters)


def paired_difference(
    first: Sequence[float],
    second: Sequence[float],
    videos: Sequence[str],
    *,
    levels: Levels = (),
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Mean of first − second over the same questions, in the same order, with interval and p-value over videos.

    The p-value inverts the percentile interval: twice the smaller share of resampled differences on either side of zero,
    each counted with one added resample, so that it is never exactly 0. A small one is estimated from FINER times the resamples,
    so that it can survive a correction for many comparisons. `levels` as for `accuracy`. Raises ValueError for unequal lengths.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores: a paired difference needs the same questions on both sides")
    totals = _Totals(np.asarray(first, dtype=float) - np.asarray(second, dtype=float), videos, levels)
    means = totals.resampled(resamples, seed)
    low, high = _interval(means)
    tail, drawn = _tail(means), resamples
    if tail < _RARE:
        drawn = FINER * resamples
        tail = _tail(totals.resampled(drawn, seed))
    p_value = min(1.0, 2 * (tail + 1) / (drawn + 1))
    return Difference(totals.value, low, high, totals.questions, totals.clusters, p_value)


def chance(options: Sequence[Sequence[str]]) -> float:
    """Expected accuracy of guessing uniformly among each question's options: the mean of 1 / number of options."""
    if not options or not all(len(choices) for choices in options):
        raise ValueError("options: chance needs at least one question, and at least one option for each")
    return float(np.mean([1 / len(choices) for choices in options]))


class _Totals:
    """Sums and counts of scores per video (C) and innermost group (G), from which every resample's mean follows."""

    def __init__(self, scores: Sequence[float] | np.ndarray, videos: Sequence[str], levels: Levels) -> None:
        values = np.asarray(scores, dtype=float)
        if values.ndim != 1 or not len(values) or len(values) != len(videos):
            raise ValueError(f"{values.shape} scores and {len(videos)} videos: expected one video per score, and at least one")
        if not np.isfinite(values).all():
            raise ValueError("scores: every question needs a finite score; unparsable answers score 0")
        if any(len(level) != len(values) for level in levels):
            raise ValueError(f"levels of {[len(level) for level in levels]} names: expected one per score, {len(values)}")
        names, cluster = np.unique(np.asarray(videos, dtype=object).astype(str), return_inverse=True)
        paths = list(zip(*([str(name) for name in level] for level in levels), strict=True)) if levels else [()] * len(values)
        self._groups = sorted(set(paths))
        place = {path: index for index, path in enumerate(self._groups)}
        flat = cluster * len(place) + np.array([place[path] for path in paths])
        shape = (len(names), len(place))
        self._sums = np.bincount(flat, weights=values, minlength=shape[0] * shape[1]).reshape(shape)
        self._counts = np.bincount(flat, minlength=shape[0] * shape[1]).astype(float).reshape(shape)
        self.questions, self.clusters = len(values), len(names)

    @property
    def value(self) -> float:
        """The mean over all questions, by level."""
        return float(self._mean(np.ones((1, self.clusters)))[0])

    def resampled(self, resamples: int, seed: int) -> np.ndarray:
        """(resamples,) means over as many drawn videos as there are, in chunks that bound the memory."""
        kept = resamples * self.clusters <= _KEPT
        chunks = _drawn(self.clusters, resamples, seed) if kept else _draws(self.clusters, resamples, seed)
        return np.concatenate([self._mean(times.astype(float)) for times in chunks])

    def _mean(self, times: np.ndarray) -> np.ndarray:
        """(R,) means when video c counts times[r, c] times."""
        counts = times @ self._counts
        held = counts > 0
        means = np.divide(times @ self._sums, counts, out=np.zeros_like(counts), where=held)
        paths = self._groups
        while paths[0]:  # average the groups that share all but the innermost name
            outer = sorted({path[:-1] for path in paths})
            member = np.array([[path[:-1] == group for group in outer] for path in paths], dtype=float)
            present = held @ member
            means = np.divide((means * held) @ member, present, out=np.zeros_like(present), where=present > 0)
            held, paths = present > 0, outer
        return means[:, 0]


def _draws(clusters: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(R, clusters) chunks of how often each video is drawn in each of `resamples` draws of as many videos as there are."""
    rng = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // clusters)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = rng.integers(0, clusters, size=(rows, clusters))
        drawn += clusters * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters)


@lru_cache(maxsize=4)
def _drawn(clusters: int, resamples: int, seed: int) -> list[np.ndarray]:
    """The draws once for all cells with as many videos: drawing takes ten times as long as averaging."""
    return [times.astype(np.min_scalar_type(clusters)) for times in _draws(clusters, resamples, seed)]


def _tail(means: np.ndarray) -> int:
    return min(int((means <= 0).sum()), int((means >= 0).sum()))


def _interval(means: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
