"""TSPO (AAAI 2026): frames by the scores of its trained temporal agent."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectionError, SelectorInput, largest


def tspo(inputs: SelectorInput) -> Indices:
    """K largest weights of the agent, best first, without the training's Gumbel noise: the authors' rule but for Video-MME.

    There their code takes the best frame of each of K equal parts instead.
    Raises SelectionError without weights: only sampler variants with `method: tspo` bring them.
    """
    if inputs.weights is None:
        raise SelectionError(
            "weights: tspo needs its agent; evaluate a sampler variant with method: tspo, by `queries: question`"
        )
    return largest(np.asarray(inputs.weights, dtype=np.float64), inputs.budget)
