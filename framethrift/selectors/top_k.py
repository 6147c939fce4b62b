"""CLIP top-k: the K frames most similar to the queries."""

from framethrift.selectors.protocol import Indices, SelectorInput, largest


def top_k(inputs: SelectorInput) -> Indices:
    """K frames with the largest similarity to their best query (maximum over queries), best first."""
    return largest(inputs.best(), inputs.budget)


def top_k_mean(inputs: SelectorInput) -> Indices:
    """K frames with the largest similarity averaged over queries, best first."""
    return largest(inputs.scores().mean(axis=0), inputs.budget)
