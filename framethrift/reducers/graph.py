"""Connected components: a union-find that finds every member, whatever the depth of its tree."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def components(adjacent: NDArray[np.bool_], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N,) the smallest vertex of each vertex's component, and (N,) degrees, 0 for vertices without a row.

    adjacent (n, N): row i holds the neighbours of vertex rows[i].
    """
    parent, degrees = np.arange(adjacent.shape[1]), np.zeros(adjacent.shape[1], np.int64)
    for index in range(len(rows)):
        here = rows[index]
        while parent[here] != here:
            parent[here] = parent[parent[here]]
            here = parent[here]
        for other in range(adjacent.shape[1]):
            if adjacent[index, other]:
                degrees[rows[index]] += 1
                there = other
                while parent[there] != there:
                    parent[there] = parent[parent[there]]
                    there = parent[there]
                if there != here:
                    if there < here:
                        parent[here] = there
                        here = there
                    else:
                        parent[there] = here
    for vertex in range(len(parent)):  # a parent is smaller than its child, and final when its child's turn comes
        parent[vertex] = parent[parent[vertex]]
    return parent, degrees
