"""Q-Frame (ICCV 2025): a draw without replacement by the Gumbel-max trick."""

from framethrift.selectors.protocol import Indices, SelectorInput, largest

TEMPERATURE = 0.8


def q_frame(inputs: SelectorInput) -> Indices:
    """K largest of log softmax(logits / 0.8) + Gumbel noise: stochastic by design, repeatable through `rng`; best first.

    The authors score the bare question with Long-CLIP's un-normalised dot products, and at most 128 candidates; here logits =
    logit scale × cosine to the best query, of all candidates. `kind: select` shows all K frames at full size (their
    fixed-frames mode), `kind: tiered` the lower ranks smaller (their resolution tiers, 4 + 8 + 32 frames by default).
    """
    logits = inputs.logit_scale * inputs.best() / TEMPERATURE
    noise = inputs.rng.gumbel(size=inputs.frames)
    # The softmax's normaliser is the same for every frame and does not change the order.
    return largest(logits + noise, inputs.budget)
