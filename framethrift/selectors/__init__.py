"""Frame selectors by name: one file each behind one small protocol. No torch."""

from collections.abc import Callable

import numpy as np

from framethrift.selectors.aks import aks
from framethrift.selectors.bin_max import bin_max
from framethrift.selectors.bolt import bolt, bolt_distinct
from framethrift.selectors.msjoe import msjoe
from framethrift.selectors.oracle import oracle
from framethrift.selectors.packet_size import packet_size
from framethrift.selectors.protocol import Indices, SelectionError, Selector, SelectorInput
from framethrift.selectors.q_frame import q_frame
from framethrift.selectors.random import random
from framethrift.selectors.replay import replay
from framethrift.selectors.split_top_k import split_top_k
from framethrift.selectors.top_k import top_k, top_k_mean
from framethrift.selectors.tspo import tspo
from framethrift.selectors.uniform import uniform

SELECTORS: dict[str, Callable[[SelectorInput], Indices]] = {
    "uniform": uniform,
    "packet_size": packet_size,
    "random": random,
    "top_k": top_k,
    "top_k_mean": top_k_mean,
    "split_top_k": split_top_k,
    "bin_max": bin_max,
    "q_frame": q_frame,
    "bolt": bolt,
    "bolt_distinct": bolt_distinct,
    "aks": aks,
    "oracle": oracle,
    "msjoe": msjoe,
    "tspo": tspo,
    "replay": replay,
}


def select(name: str, inputs: SelectorInput) -> Indices:
    """(K,) increasing int64 indices chosen by the selector `name`; all T indices when K ≥ T.

    Raises SelectionError for an unknown name, a missing input, or a selector that breaks the protocol.
    """
    if name not in SELECTORS:
        raise SelectionError(f"selector {name!r} is not registered; allowed: {sorted(SELECTORS)}")
    if inputs.budget >= inputs.frames:
        return np.arange(inputs.frames, dtype=np.int64)
    chosen = SELECTORS[name](inputs)
    kept = chosen.shape == (inputs.budget,) and chosen.dtype == np.int64
    if not kept or (np.diff(chosen) < 0).any() or chosen[0] < 0 or chosen[-1] >= inputs.frames:
        raise SelectionError(
            f"selector {name!r} returned {chosen.dtype} {chosen.tolist()}; "
            f"expected {inputs.budget} increasing int64 indices below {inputs.frames}"
        )
    return chosen


__all__ = ["SELECTORS", "SelectionError", "Selector", "SelectorInput", "select"]
