"""Q-Frame (ICCV 2025): a draw without replacement by the Gumbel-max trick."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectorInput, largest

TEMPERATURE = 0.8


def q_frame(inputs: SelectorInput) -> Indices:
    """K largest of log softmax(logits / 0.8) + Gumbel noise: stochastic by design, repeatable through `rng`.

    The authors score the bare question with Long-CLIP's un-normalised dot products; here logits = logit scale × cosine
    to the best query. All frames come at full resolution (their fixed-frames mode), without the tiers of smaller frames.
    """
    logits = inputs.logit_scale * inputs.best() / TEMPERATURE
    noise = inputs.rng.gumbel(size=inputs.frames)
    # The softmax's normaliser is the same for every frame and does not change the order.
    return np.sort(largest(logits + noise, inputs.budget))
