from collections import Counter

import numpy as np
import pytest

from framethrift.videos.balance import deal, deal_over_parts, separate

ANSWERS = ("left", "right", "up", "down")


def spread(counts: Counter[str], answers: tuple[str, ...]) -> int:
    numbers = [counts[answer] for answer in answers]
    return max(numbers) - min(numbers)


@pytest.mark.parametrize("count", [1, 3, 37, 400])
def test_dealt_answers_differ_by_at_most_one_per_wording_and_in_total(count: int) -> None:
    rng = np.random.default_rng(0)
    groups = [str(k) for k in rng.integers(5, size=count)]
    dealt = deal(groups, ANSWERS, rng)
    assert spread(Counter(dealt), ANSWERS) <= 1
    for group in set(groups):
        assert spread(Counter(answer for g, answer in zip(groups, dealt, strict=True) if g == group), ANSWERS) <= 1


def test_dealing_is_random_but_repeatable() -> None:
    first, again, other = (deal([""] * 50, ANSWERS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_separated_values_differ_within_a_video_and_keep_their_counts_per_wording() -> None:
    rng = np.random.default_rng(3)
    groups = [(str(a), str(b)) for a, b in rng.integers(8, size=(200, 2))]
    flat = deal([group for pair in groups for group in pair], ANSWERS, rng)
    values = list(zip(flat[::2], flat[1::2], strict=True))
    separated = separate(values, groups, ANSWERS, rng)
    assert any(first == second for first, second in values)
    assert all(first != second for first, second in separated)

    def by_wording(pairs: list[tuple[str, str]]) -> Counter[tuple[str, str]]:
        return Counter(item for group, pair in zip(groups, pairs, strict=True) for item in zip(group, pair, strict=True))

    assert by_wording(separated) == by_wording(values)


def test_a_single_video_is_separated_although_nobody_can_swap() -> None:
    assert separate([("up", "up")], [("", "")], ANSWERS, np.random.default_rng(0)) in ([("down", "up")], [("up", "down")])


@pytest.mark.parametrize("count", [1, 2, 7, 600])
def test_yes_and_no_are_even_in_total_and_nearly_even_per_part(count: int) -> None:
    rng = np.random.default_rng(4)
    parts = [[f"first {a}", f"second {b}"] for a, b in rng.integers(12, size=(count, 2))]
    dealt = deal_over_parts(parts, rng)
    assert abs(sum(dealt) - (count - sum(dealt))) <= 1
    surplus: Counter[str] = Counter()
    for names, yes in zip(parts, dealt, strict=True):
        for name in names:
            surplus[name] += 1 if yes else -1
    # A fair coin would leave about sqrt(50) = 7 per part.
    assert max(abs(value) for value in surplus.values()) <= 5
