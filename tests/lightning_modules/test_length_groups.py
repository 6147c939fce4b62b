"""Length-grouped batches: little padding, nothing lost, and the same order after any number of resumes."""

import numpy as np
import pytest

from lightning_modules.length_groups import BATCHES, grouped


def spread(batches: np.ndarray, lengths: np.ndarray) -> float:
    """Share of a batch's places that are padding."""
    shown = lengths[batches]
    return float(1 - shown.mean(axis=1).sum() / shown.max(axis=1).sum())


@pytest.mark.parametrize(("total", "size", "first"), [(64, 4, 0), (1000, 8, 3), (7, 8, 0), (30, 4, 2)])
def test_every_item_once_and_the_ends_stay(total: int, size: int, first: int) -> None:
    order = np.random.default_rng(0).permutation(total)
    lengths = np.random.default_rng(1).integers(10, 1000, total)
    found = grouped(order, lengths, size, first, np.random.default_rng(2))
    assert sorted(found) == list(range(total))
    end = first + (total - first) // size * size
    assert (found[:first] == order[:first]).all() and (found[end:] == order[end:]).all()
    assert (found == grouped(order, lengths, size, first, np.random.default_rng(2))).all()


def test_batches_hold_items_of_like_length_in_shuffled_order() -> None:
    lengths = np.random.default_rng(1).integers(10, 1000, 8 * BATCHES * 4)
    order = np.random.default_rng(0).permutation(len(lengths))
    batches = grouped(order, lengths, 8, 0, np.random.default_rng(2)).reshape(-1, 8)
    assert spread(order.reshape(-1, 8), lengths) > 0.3
    assert spread(batches, lengths) < 0.03
    means = lengths[batches].mean(axis=1)[:BATCHES]
    assert abs(np.corrcoef(means, np.arange(BATCHES))[0, 1]) < 0.5  # neither growing nor shrinking
    # Items of different stretches never meet: an epoch is still a shuffled pass.
    assert set(batches[:BATCHES].reshape(-1)) == set(order[: 8 * BATCHES])
