"""The informativeness of visual queries: a good query's similarity is peaked over the frames, not flat (MSJoE 1.3)."""

import math

import numpy as np
from numpy.typing import NDArray


def informative(similarity: NDArray[np.floating], logit_scale: float, ratio: float) -> NDArray[np.bool_]:
    """(N,) whether max_i s_ji / min_i s_ji exceeds `ratio` for each query of a cosine matrix (N, T).

    The paper prints the ratio without saying of what; raw CLIP cosines hardly ever reach 10 and may be negative. Here
    s = exp(logit_scale × cosine), CLIP's own unit: with scale 100 a spread of ln(10)/100 = 0.023 counts.
    Raises ValueError without frames, for NaN or infinite cosines, and for a ratio that is not above 1.
    """
    if similarity.ndim != 2 or similarity.shape[1] == 0:
        raise ValueError(f"similarity {similarity.shape}: expected (queries, frames) with at least one frame")
    if not np.isfinite(similarity).all():
        raise ValueError("similarity holds a value that is not finite")
    if ratio <= 1:
        raise ValueError(f"informativeness ratio {ratio}: allowed above 1")
    # The ratio of the exponentials, taken as a difference: no overflow at any scale.
    spread = similarity.max(axis=1) - similarity.min(axis=1)
    return logit_scale * spread > math.log(ratio)
