"""Replay: frames that another selector has chosen and published, where its weights cannot be run."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectionError, SelectorInput


def replay(inputs: SelectorInput) -> Indices:
    """The candidates nearest to the ranked seconds (ties: the earlier one), the first K distinct ones.

    A deviation from the published selector where its own frames stand closer together than the candidates. Seconds more than
    one candidate interval before the first or behind the last candidate belong to none and are passed over.
    Raises SelectionError without ranked seconds, and where they name fewer than K candidates: nothing else is put in.
    """
    if inputs.ranked is None:
        raise SelectionError("ranked: replay needs the seconds that a file names for the question; use kind: replay")
    times = inputs.timestamps
    reach = np.diff(times).max(initial=0.0)
    ranked = inputs.ranked[(inputs.ranked >= times[0] - reach) & (inputs.ranked <= times[-1] + reach)]
    after = np.minimum(np.searchsorted(times, ranked), inputs.frames - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(times[after] - ranked < ranked - times[before], after, before)
    chosen = list(dict.fromkeys(nearest.tolist()))[: inputs.budget]
    if len(chosen) < inputs.budget:
        raise SelectionError(
            f"ranked: {len(inputs.ranked)} seconds name {len(chosen)} different candidate frames; {inputs.budget} are wanted"
        )
    return np.array(sorted(chosen), dtype=np.int64)
