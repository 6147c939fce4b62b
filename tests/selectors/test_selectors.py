"""Frame selectors: hand-computed examples, edge cases, and what all have in common."""

import subprocess
import sys

import numpy as np
import pytest

from framethrift.config.sampling import Tiered
from framethrift.selectors import RANKED, SELECTORS, SelectionError, SelectorInput, select, select_ranked


def inputs(scores=None, budget=4, frames=None, seed=0, **more) -> SelectorInput:
    """A SelectorInput at one candidate per second."""
    similarity = None if scores is None else np.atleast_2d(np.asarray(scores, dtype=np.float64))
    frames = similarity.shape[1] if similarity is not None else frames
    rng = np.random.default_rng(seed)
    return SelectorInput(np.arange(frames, dtype=np.float64), similarity, "what colour is the disc?", budget, rng, **more)


def full(frames=24, budget=4, seed=0, queries=2) -> SelectorInput:
    """Inputs with which every selector can work."""
    rng = np.random.default_rng(100 + seed)
    return inputs(
        rng.uniform(0.1, 0.3, (queries, frames)),
        budget,
        seed=seed,
        evidence=[(3.0, 5.0), (10.0, 14.0)],
        weights=np.log(rng.dirichlet(np.ones(frames))),
        packet_bytes=rng.integers(0, 5000, frames).astype(np.float64),
        ranked=rng.permutation(frames).astype(np.float64),
    )


@pytest.mark.parametrize("name", sorted(SELECTORS))
@pytest.mark.parametrize(("frames", "budget"), [(24, 4), (24, 1), (24, 23), (7, 3), (96, 32), (2, 1)])
def test_every_selector_keeps_the_protocol(name, frames, budget):
    chosen = select(name, full(frames, budget))
    assert chosen.dtype == np.int64 and chosen.shape == (budget,)
    assert chosen.min() >= 0 and chosen.max() < frames
    if name == "bolt":
        assert (np.diff(chosen) >= 0).all()
    else:
        assert (np.diff(chosen) > 0).all()


@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_selector_returns_all_frames_when_the_budget_covers_them(name):
    for budget in (6, 9):
        np.testing.assert_array_equal(select(name, full(6, budget)), np.arange(6))


@pytest.mark.parametrize("name", sorted(SELECTORS))
def test_every_selector_repeats_itself_under_the_same_seed(name):
    np.testing.assert_array_equal(select(name, full(seed=3)), select(name, full(seed=3)))


@pytest.mark.parametrize("name", sorted(set(SELECTORS) - {"random", "q_frame"}))
def test_equal_values_are_resolved_deterministically(name):
    alike = {"evidence": [(0.0, 9.0)], "weights": np.zeros(9), "packet_bytes": np.zeros(9), "ranked": np.arange(9) + 0.5}
    tied = [inputs(np.full((2, 9), 0.2), 3, seed=seed, **alike) for seed in (0, 1)]
    np.testing.assert_array_equal(select(name, tied[0]), select(name, tied[1]))


@pytest.mark.parametrize("name", ["top_k", "top_k_mean", "split_top_k", "bin_max", "q_frame", "bolt", "bolt_distinct", "aks"])
def test_a_missing_similarity_is_an_error_that_says_what_to_set(name):
    with pytest.raises(SelectionError, match=r"similarity.*queries"):
        select(name, inputs(frames=9, budget=3))


def test_uniform_takes_the_centres_of_equal_parts():
    np.testing.assert_array_equal(select("uniform", inputs(frames=96, budget=4)), [12, 36, 60, 84])
    np.testing.assert_array_equal(select("uniform", inputs(frames=10, budget=3)), [1, 5, 8])


def test_packet_size_takes_the_centres_of_equal_parts_of_the_bytes():
    still = inputs(frames=96, budget=4, packet_bytes=np.zeros(96))
    np.testing.assert_array_equal(select("packet_size", still), select("uniform", still))
    # Ten candidates, all bytes in the last five, which are equal: the middles of 2.5 each.
    busy = np.array([0.0] * 5 + [1e6] * 5)
    np.testing.assert_array_equal(select("packet_size", inputs(frames=10, budget=2, packet_bytes=busy)), [6, 8])
    # One candidate holds everything: it is taken once, then the next largest.
    peak = np.array([5.0, 0, 1e9, 0, 7, 0])
    np.testing.assert_array_equal(select("packet_size", inputs(frames=6, budget=3, packet_bytes=peak)), [0, 2, 4])
    with pytest.raises(SelectionError, match="packet_bytes"):
        select("packet_size", inputs(frames=6, budget=3))
    with pytest.raises(SelectionError, match=r"packet_bytes: shape \(5,\); expected \(6,\)"):
        inputs(frames=6, budget=3, packet_bytes=np.zeros(5))


def test_random_draws_all_sets_alike_and_depends_on_the_seed():
    rng = np.random.default_rng(0)
    counts = np.zeros(5)
    for _ in range(4000):
        counts[select("random", SelectorInput(np.arange(5.0), None, "", 2, rng))] += 1
    np.testing.assert_allclose(counts / 4000, 0.4, atol=0.03)


TWO_QUERIES = [[0.30, 0.29, 0.28, 0.10, 0.10, 0.10], [0.10, 0.10, 0.10, 0.12, 0.20, 0.11]]


def test_top_k_takes_the_best_query_and_top_k_mean_the_average():
    np.testing.assert_array_equal(select("top_k", inputs(TWO_QUERIES, 3)), [0, 1, 2])
    # Means: .20 .195 .19 .11 .15 .105
    np.testing.assert_array_equal(select("top_k_mean", inputs(TWO_QUERIES, 4)), [0, 1, 2, 4])


def test_split_top_k_gives_each_query_its_share():
    np.testing.assert_array_equal(select("split_top_k", inputs(TWO_QUERIES, 4)), [0, 1, 3, 4])
    # Three frames for two queries: the first query has the odd one.
    np.testing.assert_array_equal(select("split_top_k", inputs(TWO_QUERIES, 3)), [0, 1, 4])


def test_split_top_k_counts_a_shared_frame_once():
    shared = [[0.1, 0.9, 0.5, 0.2, 0.1], [0.1, 0.9, 0.1, 0.3, 0.8]]
    # Turns: q1 → 1, q2 (1 taken) → 4, q1 → 2, q2 → 3.
    np.testing.assert_array_equal(select("split_top_k", inputs(shared, 4)), [1, 2, 3, 4])


def test_bin_max_takes_the_best_of_each_part():
    scores = [0.1, 0.4, 0.2, 0.9, 0.3, 0.3, 0.1]
    # 7 frames in 3 parts: [0, 2), [2, 4), [4, 7).
    np.testing.assert_array_equal(select("bin_max", inputs(scores, 3)), [1, 3, 4])


def test_bolt_reproduces_a_hand_computed_inverse_cdf():
    # min-max: 0, .5, 1, .5, 0; cubed: 0, .125, 1, .125, 0; cdf: 0, .1, .9, 1, 1; levels for K = 4: .25, .4167, .5833, .75
    np.testing.assert_array_equal(select("bolt", inputs([0.1, 0.2, 0.3, 0.2, 0.1], 4)), [2, 2, 2, 2])
    np.testing.assert_array_equal(select("bolt_distinct", inputs([0.1, 0.2, 0.3, 0.2, 0.1], 4)), [0, 1, 2, 3])


def test_bolt_spreads_over_two_equal_peaks():
    scores = [0.1, 0.3, 0.1, 0.1, 0.3, 0.1]
    # cdf: 0, .5, .5, .5, 1, 1; levels for K = 3: 1/3, 1/2, 2/3
    np.testing.assert_array_equal(select("bolt", inputs(scores, 3)), [1, 1, 4])
    np.testing.assert_array_equal(select("bolt_distinct", inputs(scores, 3)), [0, 1, 4])


def test_aks_keeps_a_peaked_video_whole():
    scores = np.full(100, 0.1)
    scores[[40, 41]] = 0.3
    # Best 2 are at 1 on the unit range, the mean is .02: above 0.8, so one part with both frames.
    np.testing.assert_array_equal(select("aks", inputs(scores, 2)), [40, 41])


def test_aks_splits_a_flat_video_and_gives_each_part_its_share():
    # A ramp is not peaked: K = 4 halves twice, the best frame of each quarter is its last.
    np.testing.assert_array_equal(select("aks", inputs(np.linspace(0.1, 0.3, 16), 4)), [3, 7, 11, 15])


def test_aks_fills_what_the_split_leaves_over():
    # K = 6: depth ends at 2 (6 // 8 = 0), four quarters give 6 // 4 = 1 each, and the two best free frames follow.
    np.testing.assert_array_equal(select("aks", inputs(np.linspace(0.1, 0.3, 16), 6)), [3, 7, 11, 13, 14, 15])


def test_aks_splits_short_parts_to_the_end():
    # 3 candidates, K = 2: the best-2 rule cannot exceed 0.8 of the mean's distance, so halves [0] and [1, 2] give one each.
    np.testing.assert_array_equal(select("aks", inputs([0.1, 0.3, 0.29], 2)), [0, 1])


def test_q_frame_draws_in_proportion_to_the_tempered_softmax():
    scores = np.array([[0.20, 0.21, 0.22, 0.20]])
    expected = np.exp(100 * scores[0] / 0.8)
    expected /= expected.sum()
    rng = np.random.default_rng(0)
    draws = [int(select("q_frame", SelectorInput(np.arange(4.0), scores, "", 1, rng))[0]) for _ in range(6000)]
    np.testing.assert_allclose(np.bincount(draws, minlength=4) / 6000, expected, atol=0.02)


@pytest.mark.parametrize("name", sorted(RANKED))
def test_ranks_are_an_order_of_the_frames_that_are_chosen(name):
    for budget in (1, 5, 23):
        ranked = select_ranked(name, full(24, budget, seed=4))
        np.testing.assert_array_equal(np.sort(ranked), select(name, full(24, budget, seed=4)))
        # A smaller budget ends the same order earlier.
        np.testing.assert_array_equal(ranked, select_ranked(name, full(24, 23, seed=4))[:budget])
    few = select_ranked(name, full(6, 44))
    assert sorted(few.tolist()) == list(range(6)) and few.tolist() != sorted(few.tolist())


def test_ranks_by_hand():
    np.testing.assert_array_equal(select_ranked("top_k", inputs([[0.1, 0.5, 0.2, 0.4], [0.6, 0.0, 0.0, 0.4]], 3)), [0, 1, 3])
    weighed = inputs(frames=5, budget=3, weights=np.log([0.1, 0.4, 0.15, 0.3, 0.05]))
    np.testing.assert_array_equal(select_ranked("tspo", weighed), [1, 3, 2])
    # Scores ten apart in logits of 100 / 0.8 x cosine: no likely noise changes their order.
    np.testing.assert_array_equal(select_ranked("q_frame", inputs([0.1, 0.9, 0.5, 0.7, 0.3], 4)), [1, 3, 2, 4])


def test_a_selector_without_ranks_is_refused_by_name(monkeypatch):
    with pytest.raises(SelectionError, match=r"'bolt' tells no ranks.*'msjoe', 'q_frame', 'top_k'"):
        select_ranked("bolt", full())
    monkeypatch.setitem(RANKED, "broken", lambda given: np.array([3, 1, 3]))
    with pytest.raises(SelectionError, match=r"'broken' returned \[3, 1, 3\]"):
        select_ranked("broken", inputs(frames=9, budget=3))
    with pytest.raises(SelectionError, match="'broken' returned int64"):
        select_ranked("broken", inputs(frames=3, budget=3))
    monkeypatch.undo()
    assert set(Tiered.model_fields["selector"].annotation.__args__) == set(RANKED)


def test_q_frame_changes_with_the_seed():
    flat = np.full((1, 40), 0.2)
    first, second = (select("q_frame", inputs(flat, 5, seed=seed)) for seed in (0, 1))
    assert first.tolist() != second.tolist()


def test_oracle_spreads_over_the_evidence():
    chosen = select("oracle", inputs(frames=96, budget=4, evidence=[(50.0, 60.0), (10.0, 12.0)]))
    np.testing.assert_array_equal(chosen, [10, 11, 52, 57])


def test_oracle_completes_short_evidence_and_thins_long_lists():
    # One second of evidence shows in frames 10 and 11; then the uniform anchors.
    np.testing.assert_array_equal(select("oracle", inputs(frames=20, budget=3, evidence=[(10.0, 11.0)])), [3, 10, 11])
    many = [(float(start), start + 1.0) for start in range(0, 20, 2)]
    np.testing.assert_array_equal(select("oracle", inputs(frames=20, budget=2, evidence=many)), [4, 14])


def test_oracle_without_evidence_is_an_error():
    with pytest.raises(SelectionError, match="evidence"):
        select("oracle", inputs(frames=20, budget=3))


def test_msjoe_takes_the_largest_weights_or_draws_from_them():
    weights = np.log(np.array([0.05, 0.4, 0.05, 0.3, 0.2]))
    np.testing.assert_array_equal(select("msjoe", inputs(frames=5, budget=3, weights=weights)), [1, 3, 4])
    rng = np.random.default_rng(0)
    drawn = [
        int(select("msjoe", SelectorInput(np.arange(5.0), None, "", 1, rng, weights=weights, draw=True))[0]) for _ in range(6000)
    ]
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 6000, np.exp(weights), atol=0.02)
    with pytest.raises(SelectionError, match="weights"):
        select("msjoe", inputs(frames=5, budget=3))


def test_wrong_inputs_are_named():
    with pytest.raises(SelectionError, match=r"nearest.*allowed.*uniform"):
        select("nearest", inputs(frames=5, budget=3))
    with pytest.raises(SelectionError, match="budget: 0"):
        inputs(frames=5, budget=0)
    with pytest.raises(SelectionError, match=r"expected \(queries, 5\)"):
        SelectorInput(np.arange(5.0), np.zeros((1, 4)), "", 2, np.random.default_rng(0))
    with pytest.raises(SelectionError, match="not finite"):
        inputs([0.1, np.nan, 0.2], 2)
    with pytest.raises(SelectionError, match="NaN"):
        inputs(frames=2, budget=1, weights=np.array([0.0, np.nan]))
    with pytest.raises(SelectionError, match="no candidate frame"):
        inputs(frames=0, budget=1)


def test_a_selector_that_breaks_the_protocol_is_reported(monkeypatch):
    monkeypatch.setitem(SELECTORS, "broken", lambda given: np.array([3, 1, 2]))
    with pytest.raises(SelectionError, match="'broken' returned"):
        select("broken", inputs(frames=9, budget=3))


def test_selectors_import_no_torch():
    code = "import sys, framethrift.selectors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tspo_takes_the_largest_weights_of_its_agent():
    weighed = inputs(frames=5, budget=2, weights=np.log([0.1, 0.4, 0.1, 0.3, 0.1]))
    np.testing.assert_array_equal(select("tspo", weighed), [1, 3])
    with pytest.raises(SelectionError, match="method: tspo"):
        select("tspo", inputs(frames=5, budget=2))
