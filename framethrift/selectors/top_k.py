"""CLIP top-k: the K frames most similar to the queries."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput, largest


def top_k(inputs: SelectorInput) -> Indices:
    """K frames with the largest similarity to their best query (maximum over queries)."""
    return np.sort(largest(inputs.best(), inputs.budget))


def top_k_mean(inputs: SelectorInput) -> Indices:
    """K frames with the largest similarity averaged over queries."""
    return np.sort(largest(inputs.scores().mean(axis=0), inputs.budget))
