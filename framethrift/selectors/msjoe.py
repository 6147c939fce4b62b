"""MSJoE (CVPR 2026): frames by the weights of the trained sampler network."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectionError, SelectorInput, largest


def msjoe(inputs: SelectorInput) -> Indices:
    """K largest sampler weights, or with `draw` K frames drawn without replacement from softmax(weights); best first.

    The paper draws while training and is silent about evaluation; the study's set_likelihood.evaluate says which.
    Raises SelectionError without weights: only sampler and joint variants bring them.
    """
    if inputs.weights is None:
        raise SelectionError("weights: msjoe needs a sampler; evaluate a sampler or joint variant, not a bare VideoLM")
    weights = np.asarray(inputs.weights, dtype=np.float64)
    if inputs.draw:
        weights = weights + inputs.rng.gumbel(size=inputs.frames)
    return largest(weights, inputs.budget)
