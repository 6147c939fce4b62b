"""Random sampling: the control that spends no thought on which frames."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput


def random(inputs: SelectorInput) -> Indices:
    """K frames without replacement, all sets equally likely."""
    return np.sort(inputs.rng.choice(inputs.frames, size=inputs.budget, replace=False)).astype(np.int64)
