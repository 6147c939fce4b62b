"""Split top-k: every query gets its share of the frames."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput


def split_top_k(inputs: SelectorInput) -> Indices:
    """K / N_q frames per query: queries take turns, each its most similar frame that is still free.

    Where N_q does not divide K the first queries get one frame more; a frame that two queries want counts once.
    """
    orders = np.argsort(-inputs.scores(), axis=1, kind="stable")
    next_rank = [0] * len(orders)
    taken: list[int] = []
    while len(taken) < inputs.budget:
        query = len(taken) % len(orders)
        while int(orders[query, next_rank[query]]) in taken:
            next_rank[query] += 1
        taken.append(int(orders[query, next_rank[query]]))
    return np.array(sorted(taken), dtype=np.int64)
