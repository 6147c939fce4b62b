"""Q-Frame's resolution tiers: sides by rank, their tokens by hand, and what a tiered sampling refuses."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from framethrift.config.sampling import Sampling, Tiered
from framethrift.tokens import ContextOverflow, TokenCosts, frames_budget, require_tiers_fit, tier_sides

ADAPTER: TypeAdapter[Sampling] = TypeAdapter(Sampling)


def test_sides_follow_the_ranks() -> None:
    tiers = Tiered(high=1, mid=2, low=3)
    assert tier_sides(tiers, 8, 6) == (8, 4, 4, 2, 2, 2)
    assert tier_sides(tiers, 8, 4) == (8, 4, 4, 2)  # fewer frames leave the last ranks out
    assert tier_sides(tiers, 8, 1) == (8,)
    assert tier_sides(tiers, 8, 99) == (8, 4, 4, 2, 2, 2)
    assert tier_sides(Tiered(high=2, mid=0, low=1), 12, 3) == (12, 12, 3)


@pytest.mark.parametrize(("grid", "sides"), [(14, (14, 7, 4)), (3, (3, 2, 1)), (2, (2, 1, 1)), (1, (1, 1, 1)), (10, (10, 5, 2))])
def test_sides_are_whole_and_at_least_one(grid: int, sides: tuple[int, ...]) -> None:
    assert tier_sides(Tiered(high=1, mid=1, low=1), grid, 3) == sides


def test_tokens_by_hand() -> None:
    """At LLaVA-Video's size: 4 x (196 + 14), 8 x (49 + 7) and 32 x (16 + 4)."""
    assert frames_budget(tier_sides(Tiered(), 14, 44)) == 4 * 210 + 8 * 56 + 32 * 20 == 1928
    assert frames_budget([]) == 0 and frames_budget([14]) == TokenCosts.of(14, 4, 4).i_frame


@pytest.mark.parametrize("grid", [4, 8, 12, 16])
def test_the_authors_default_costs_as_much_as_eight_whole_frames(grid: int) -> None:
    sides = tier_sides(Tiered(), grid, 44)
    assert sum(side * side for side in sides) == 8 * grid * grid  # high + mid/4 + low/16 = 4 + 2 + 2, newlines aside
    assert frames_budget(sides) == 8 * grid * grid + 4 * grid + 8 * grid // 2 + 32 * grid // 4


def test_what_does_not_fit_is_refused_with_the_prices() -> None:
    sides = tier_sides(Tiered(high=1, mid=1, low=1), 8, 3)  # 72 + 20 + 6
    require_tiers_fit(sides, 108, 10, "q")
    with pytest.raises(ContextOverflow, match=r"sampling q: 3 frames in tiers are 98 .*by 1 tokens; each is 72 at side 8, 20"):
        require_tiers_fit(sides, 107, 10, "q")


def test_frames_are_counted() -> None:
    tiers = ADAPTER.validate_python({"kind": "tiered", "high": 2, "mid": 3, "low": 4})
    assert isinstance(tiers, Tiered) and tiers.frames == 9 and (tiers.selector, tiers.queries) == ("q_frame", "question")
    assert Tiered().frames == 44 and Tiered(frames=44) == Tiered() and ADAPTER.validate_python(tiers.model_dump()) == tiers


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"frames": 32}, "frames 32: high [+] mid [+] low are 44; leave frames out"),
        ({"rest": "delta"}, "shown alone, whole and in temporal order"),
        ({"order": "shuffled"}, "shown alone, whole and in temporal order"),
        ({"reducer": {"name": "uniform", "share": 0.5}}, "shown alone, whole and in temporal order"),
        ({"selector": "bolt"}, "should be 'q_frame', 'top_k', 'top_k_mean', 'msjoe' or 'tspo'"),
        ({"queries": "none"}, "should be 'reasoned' or 'question'"),
        ({"high": 0}, "greater than or equal to 1"),
    ],
)
def test_what_tiers_cannot_be_combined_with_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ADAPTER.validate_python({"kind": "tiered", **wrong})
