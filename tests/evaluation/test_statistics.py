"""The statistics against brute force, and their coverage on simulated data."""

import itertools

import numpy as np
import pytest

from framethrift.evaluation.statistics import accuracy, chance, paired_difference


def test_accuracy_equals_enumerating_every_resample() -> None:
    scores, videos = [1, 0, 1, 1, 0, 0, 1], ["a", "a", "b", "b", "b", "c", "d"]
    groups = {video: [s for s, v in zip(scores, videos, strict=True) if v == video] for video in "abcd"}
    means = [np.mean(list(itertools.chain(*(groups[v] for v in draw)))) for draw in itertools.product("abcd", repeat=4)]
    exact = np.quantile(means, [0.025, 0.975])
    estimate = accuracy(scores, videos, resamples=100_000, seed=3)
    assert estimate.value == pytest.approx(4 / 7)
    assert (estimate.n, estimate.clusters) == (7, 4)
    assert estimate.low == pytest.approx(exact[0], abs=1e-9)
    assert estimate.high == pytest.approx(exact[1], abs=1e-9)


def test_accuracy_equals_a_plain_loop_over_resamples() -> None:
    rng = np.random.default_rng(0)
    videos = [f"v{n // 5}" for n in range(100)]
    scores = rng.integers(0, 2, 100)
    by_video = np.array(scores).reshape(20, 5)
    loop = [by_video[rng.integers(0, 20, 20)].mean() for _ in range(20_000)]
    estimate = accuracy(scores, videos, resamples=20_000)
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(loop, [0.025, 0.975]), abs=0.011)


def test_paired_difference_equals_enumeration() -> None:
    first, second, videos = [1, 1, 0, 1, 1], [0, 1, 0, 0, 1], ["a", "a", "b", "c", "c"]
    differences = np.array(first) - np.array(second)
    groups = [differences[[v == name for v in videos]] for name in "abc"]
    means = np.repeat([np.concatenate(draw).mean() for draw in itertools.product(groups, repeat=3)], 1000)
    exact_p = min(1, 2 * min((means <= 0).mean(), (means >= 0).mean()))
    result = paired_difference(first, second, videos, resamples=200_000, seed=1)
    assert result.value == pytest.approx(0.4)
    assert [result.low, result.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-9)
    assert result.p_value == pytest.approx(exact_p, abs=5e-3)


def test_difference_is_antisymmetric_and_needs_no_sorting() -> None:
    rng = np.random.default_rng(2)
    videos = np.array([f"v{n}" for n in rng.integers(0, 30, 200)])
    first, second = rng.integers(0, 2, 200), rng.integers(0, 2, 200)
    forward, backward = paired_difference(first, second, videos), paired_difference(second, first, videos)
    assert (forward.low, forward.high, forward.p_value) == pytest.approx((-backward.high, -backward.low, backward.p_value))
    order = rng.permutation(200)
    assert paired_difference(first[order], second[order], videos[order]) == forward


def test_equal_results_differ_by_nothing() -> None:
    scores = [0, 1, 1, 0]
    result = paired_difference(scores, scores, ["a", "a", "b", "b"])
    assert (result.value, result.low, result.high, result.p_value) == (0, 0, 0, 1)


def _simulated(rng: np.random.Generator, videos: int, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of two systems with video effects; the expected accuracies are 0.6 + shift and 0.6."""
    sizes = rng.integers(5, 14, videos)
    cluster = np.repeat(np.arange(videos), sizes)
    level = rng.uniform(0.35, 0.85, videos)[cluster]
    return rng.random(len(cluster)) < level + shift, rng.random(len(cluster)) < level, cluster


def test_intervals_cover_the_truth_in_95_percent_of_simulated_studies() -> None:
    rng = np.random.default_rng(5)
    trials, hits, paired_hits = 1200, 0, 0
    for trial in range(trials):
        first, second, cluster = _simulated(rng, 120, 0.05)
        estimate = accuracy(second, cluster, resamples=600, seed=trial)
        hits += estimate.low <= 0.6 <= estimate.high
        difference = paired_difference(first, second, cluster, resamples=600, seed=trial)
        paired_hits += difference.low <= 0.05 <= difference.high
    assert 0.93 <= hits / trials <= 0.97
    assert 0.93 <= paired_hits / trials <= 0.97


def test_p_values_are_uniform_when_nothing_differs() -> None:
    rng = np.random.default_rng(6)
    p_values = []
    for trial in range(800):
        first, second, cluster = _simulated(rng, 80, 0.0)
        p_values.append(paired_difference(first, second, cluster, resamples=600, seed=trial).p_value)
    assert 0.03 <= np.mean(np.array(p_values) <= 0.05) <= 0.07
    assert 0.45 <= np.mean(np.array(p_values) <= 0.5) <= 0.56


def test_ignoring_the_videos_would_be_too_sure() -> None:
    """Questions of one video that agree with each other carry less information than as many videos."""
    scores = np.repeat([0, 1], 250)
    videos = [f"v{n // 25}" for n in range(500)]
    clustered, naive = accuracy(scores, videos), accuracy(scores, [str(n) for n in range(500)])
    assert clustered.high - clustered.low > 4 * (naive.high - naive.low)


def test_chance_is_the_mean_over_questions() -> None:
    assert chance([["a", "b"], ["a", "b", "c", "d"]]) == pytest.approx(0.375)
    with pytest.raises(ValueError, match="chance"):
        chance([])
    with pytest.raises(ValueError, match="chance"):
        chance([["a"], []])


@pytest.mark.parametrize(("scores", "videos"), [([], []), ([1, 0], ["a"]), ([1, float("nan")], ["a", "b"])])
def test_bad_input_is_named(scores: list[float], videos: list[str]) -> None:
    with pytest.raises(ValueError, match="scores"):
        accuracy(scores, videos)
    with pytest.raises(ValueError, match="scores"):
        paired_difference(scores, [*scores, 1], videos)
