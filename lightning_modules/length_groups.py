"""Batches of conversations of about equal length, so that little is padded."""

import numpy as np
from numpy.typing import NDArray

BATCHES = 32  # batches that are sorted together: enough for equal lengths, few enough that an epoch stays shuffled


def grouped(
    order: NDArray[np.int64], lengths: NDArray[np.int64], size: int, first: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The permutation `order` (n,) of an epoch, rearranged so that each of its batches of `size` holds items of like length.

    `lengths` (n,) are those of the items that `order` names. The first `first` items complete a batch of the epoch before and
    stay, as do the last ones, which begin a batch of the next.
    Within stretches of 32 batches the items are sorted by length and cut into batches, which are then shuffled.
    """
    found, end = order.copy(), first + (len(order) - first) // size * size
    for start in range(first, end, BATCHES * size):
        stretch = order[start : min(start + BATCHES * size, end)]
        batches = stretch[np.argsort(lengths[stretch], kind="stable")].reshape(-1, size)
        found[start : start + len(stretch)] = rng.permutation(batches).reshape(-1)
    return found
