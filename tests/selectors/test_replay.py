"""Replaying another selector's frames: hand-computed choices, and what is refused."""

import numpy as np
import pytest

from framethrift.selectors import SelectionError, SelectorInput, select


def chosen(ranked, budget, times=None) -> list[int]:  # type: ignore[no-untyped-def]
    times = np.arange(10.0) if times is None else np.asarray(times, dtype=np.float64)
    seconds = None if ranked is None else np.asarray(ranked, dtype=np.float64)
    return select("replay", SelectorInput(times, None, "?", budget, np.random.default_rng(0), ranked=seconds)).tolist()


def test_the_nearest_candidates_of_the_best_ranked_seconds_in_order_of_time() -> None:
    assert chosen([7.4, 1.6, 4.0, 0.0], 3) == [2, 4, 7]
    # 7.6 and 8.2 are the same candidate: the next distinct one fills the place, later ranks are not needed.
    assert chosen([7.6, 8.2, 3.0, 5.0], 2) == [3, 8]


def test_between_two_candidates_the_earlier_one_is_taken() -> None:
    assert chosen([2.5, 6.5], 2) == [2, 6]
    assert chosen([2.5, 2.5 + 1e-9], 2) == [2, 3]


def test_candidates_need_not_be_evenly_spaced() -> None:
    assert chosen([4.9, 5.1, 30.0], 2, [0.0, 1.0, 9.0, 30.0]) == [1, 2]


def test_seconds_beyond_the_candidates_belong_to_none() -> None:
    assert chosen([10.0, 5.0], 2) == [5, 9]  # the last candidate's own second ends there
    assert chosen([10.1, 99.0, 5.0, 3.0], 2) == [3, 5]
    # A clip from 20 s on: its first candidate stands for the seconds since the one before it, and no earlier ones.
    assert chosen([18.9, 19.5, 21.2], 2, [20.0, 21.0, 22.0]) == [0, 1]
    with pytest.raises(SelectionError, match="2 seconds name 1 different candidate frames; 2 are wanted"):
        chosen([18.9, 21.2], 2, [20.0, 21.0, 22.0])


@pytest.mark.parametrize(("ranked", "named"), [([], 0), ([4.0, 4.1, 4.2], 1), ([1.0, 2.0], 2)])
def test_too_few_different_frames_are_an_error(ranked: list[float], named: int) -> None:
    with pytest.raises(SelectionError, match=f"{len(ranked)} seconds name {named} different candidate frames; 3 are wanted"):
        chosen(ranked, 3)


def test_a_budget_that_covers_the_candidates_takes_them_all() -> None:
    assert chosen([4.0], 10) == list(range(10))


def test_bad_input_is_refused() -> None:
    with pytest.raises(SelectionError, match="use kind: replay"):
        chosen(None, 3)
    with pytest.raises(SelectionError, match=r"ranked: .*finite"):
        chosen([1.0, np.nan], 1)
    with pytest.raises(SelectionError, match=r"ranked: shape \(1, 2\)"):
        chosen([[1.0, 2.0]], 1)
