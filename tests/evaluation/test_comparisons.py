"""Holm's correction and the minimum detectable effect, against their definitions and against simulation."""

import numpy as np
import pytest

from framethrift.evaluation.comparisons import expected_error, holm, minimum_detectable
from framethrift.evaluation.statistics import paired_difference


def _by_definition(p_values: list[float]) -> list[float]:
    corrected, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(np.argsort(p_values)):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected


def test_holm_is_what_its_definition_says() -> None:
    rng = np.random.default_rng(0)
    for p_values in [[0.04, 0.001, 0.03, 0.5, 0.012], [0.03], [], *(list(rng.random(size) ** 3) for size in (2, 7, 30))]:
        assert holm(p_values) == pytest.approx(_by_definition(p_values))
    with pytest.raises(ValueError, match="p-values"):
        holm([0.2, 1.2])


def _pairs(rng: np.random.Generator, videos: int, per_video: int, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of two systems whose difference is `shift` on average, with an effect of the video on the difference."""
    cluster = np.repeat(np.arange(videos), per_video)
    level = rng.uniform(0.5, 0.7, videos)[cluster]
    gap = shift + rng.uniform(-0.15, 0.15, videos)[cluster]
    return rng.random(len(cluster)) < level + gap / 2, rng.random(len(cluster)) < level - gap / 2, cluster


def test_the_minimum_detectable_effect_is_found_four_times_out_of_five() -> None:
    rng = np.random.default_rng(1)
    videos, per_video = 100, 6
    gaps = []
    for _ in range(400):
        first, second, cluster = _pairs(rng, videos, per_video, 0.0)
        gaps.append(np.mean(first * 1.0 - second * 1.0))
    smallest = minimum_detectable(float(np.std(gaps)), videos)
    assert 2.8 < smallest / np.std(gaps) < 2.9
    found = 0
    for trial in range(400):
        first, second, cluster = _pairs(rng, videos, per_video, smallest)
        found += paired_difference(first, second, cluster, resamples=600, seed=trial).p_value <= 0.05
    assert 0.74 <= found / 400 <= 0.86


def test_the_expected_error_is_that_of_simulated_comparisons() -> None:
    rng = np.random.default_rng(2)
    videos, per_video, disagreement, correlation = 80, 5, 0.3, 0.2
    cluster = np.repeat(np.arange(videos), per_video)
    means = []
    for _ in range(3000):
        # With probability `correlation` per pair of a video's questions the difference is shared: copy the video's own draw.
        own = rng.choice([1, -1, 0], p=[0.15, 0.15, 0.7], size=len(cluster))
        shared = rng.choice([1, -1, 0], p=[0.15, 0.15, 0.7], size=videos)[cluster]
        means.append(np.where(rng.random(len(cluster)) < np.sqrt(correlation), shared, own).mean())
    expected = expected_error(len(cluster), videos, disagreement=disagreement, correlation=correlation)
    assert np.std(means) == pytest.approx(expected, rel=0.05)
    assert expected_error(400, 400) < expected_error(400, 40)


@pytest.mark.parametrize(
    "sizes", [{"questions": 3, "videos": 4}, {"questions": 3, "videos": 0}, {"questions": 4, "videos": 2, "disagreement": 0}]
)
def test_impossible_sizes_are_errors(sizes: dict) -> None:
    with pytest.raises(ValueError, match="questions"):
        expected_error(**sizes)
    with pytest.raises(ValueError, match="videos 2"):
        minimum_detectable(0.1, 2)
