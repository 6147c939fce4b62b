"""The statistics against brute force, and their coverage on simulated data."""

import itertools

import numpy as np
import pytest

from framethrift.evaluation import statistics
from framethrift.evaluation.statistics import FINER, accuracy, chance, paired_difference


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
    trials, hits, paired_hits = 800, 0, 0
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


def _nested(scores: list[float], parts: list[str], types: list[str], videos: list[str], drawn: tuple[str, ...]) -> float:
    """The macro average of one resample, spelt out."""
    rows = [(parts[n], types[n], scores[n]) for video in drawn for n in range(len(scores)) if videos[n] == video]
    means = []
    for part in sorted({row[0] for row in rows}):
        kinds = sorted({row[1] for row in rows if row[0] == part})
        means.append(np.mean([np.mean([score for p, k, score in rows if (p, k) == (part, kind)]) for kind in kinds]))
    return float(np.mean(means))


def test_a_macro_average_equals_enumerating_every_resample() -> None:
    scores = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    videos = ["a", "a", "b", "b", "c", "c", "d", "d"]
    parts = ["back", "back", "back", "now", "now", "now", "back", "now"]
    types = ["x", "y", "x", "x", "x", "z", "y", "z"]
    means = [_nested(scores, parts, types, videos, draw) for draw in itertools.product("abcd", repeat=4)]
    estimate = accuracy(scores, videos, levels=[parts, types], resamples=100_000, seed=4)
    assert estimate.value == pytest.approx(_nested(scores, parts, types, videos, ("a", "b", "c", "d")))
    assert estimate.value == pytest.approx(((1 + 0.5) / 2 + (0.5 + 0.5) / 2) / 2)
    assert [estimate.low, estimate.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-9)
    other = [0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    gaps = [a - b for a, b in zip(scores, other, strict=True)]
    means = [_nested(gaps, parts, types, videos, draw) for draw in itertools.product("abcd", repeat=4)]
    difference = paired_difference(scores, other, videos, levels=[parts, types], resamples=100_000, seed=4)
    assert [difference.low, difference.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=1e-9)
    exact_p = min(1, 2 * min((np.array(means) <= 1e-12).mean(), (np.array(means) >= -1e-12).mean()))
    assert difference.p_value == pytest.approx(exact_p, abs=5e-3)


def test_one_level_of_equal_groups_is_the_plain_mean() -> None:
    rng = np.random.default_rng(8)
    videos = np.repeat(np.arange(50), 4)
    scores = rng.integers(0, 2, 200)
    types = np.tile(["p", "q", "r", "s"], 50)
    macro, plain = accuracy(scores, videos, levels=[types]), accuracy(scores, videos)
    assert [macro.value, macro.low, macro.high] == pytest.approx([plain.value, plain.low, plain.high])


def test_macro_intervals_cover_the_truth_in_95_percent_of_simulated_studies() -> None:
    """Three task types of unequal size and difficulty (0.5, 0.6, 0.7): the macro average is 0.6, the plain mean is not."""
    rng = np.random.default_rng(9)
    trials, hits, paired_hits = 600, 0, 0
    for trial in range(trials):
        sizes = rng.integers(4, 12, 120)
        cluster = np.repeat(np.arange(120), sizes)
        kind = rng.choice(3, len(cluster), p=[0.6, 0.3, 0.1])
        level = rng.uniform(-0.2, 0.2, 120)[cluster] + 0.5 + 0.1 * kind
        second, first = rng.random(len(cluster)) < level, rng.random(len(cluster)) < level + 0.05
        estimate = accuracy(second, cluster, levels=[kind], resamples=600, seed=trial)
        hits += estimate.low <= 0.6 <= estimate.high
        difference = paired_difference(first, second, cluster, levels=[kind], resamples=600, seed=trial)
        paired_hits += difference.low <= 0.05 <= difference.high
    assert 0.93 <= hits / trials <= 0.97
    assert 0.93 <= paired_hits / trials <= 0.97


def test_a_clear_difference_survives_a_correction_for_many() -> None:
    scores, videos = [1] * 300 + [0] * 20, [f"v{n // 4}" for n in range(320)]
    found = paired_difference(scores, [0] * 320, videos, resamples=2000)
    assert found.p_value == 2 / (FINER * 2000 + 1)
    assert 200 * found.p_value < 0.05


def test_kept_draws_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    scores, videos = rng.random(900), [f"video {number % 300}" for number in range(900)]
    kept = accuracy(scores, videos, resamples=500, seed=7)
    monkeypatch.setattr(statistics, "_KEPT", 0)
    monkeypatch.setattr(statistics, "_CHUNK", 100_000)
    assert accuracy(scores, videos, resamples=500, seed=7) == kept


def test_levels_name_every_question() -> None:
    with pytest.raises(ValueError, match="levels of"):
        accuracy([1, 0], ["a", "b"], levels=[["x"]])
