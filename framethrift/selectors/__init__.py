"""Frame selectors by name: one file each behind one small protocol. No torch."""

from dataclasses import replace

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


def _increasing(ranked: Selector) -> Selector:
    return lambda inputs: np.sort(ranked(inputs))


# Those that choose the first K of an order: best first, where all others tell no ranks.
RANKED: dict[str, Selector] = {
    "top_k": top_k,
    "top_k_mean": top_k_mean,
    "q_frame": q_frame,
    "msjoe": msjoe,
    "tspo": tspo,
}
SELECTORS: dict[str, Selector] = {
    "uniform": uniform,
    "packet_size": packet_size,
    "random": random,
    "split_top_k": split_top_k,
    "bin_max": bin_max,
    "bolt": bolt,
    "bolt_distinct": bolt_distinct,
    "aks": aks,
    "oracle": oracle,
    "replay": replay,
    **{name: _increasing(ranked) for name, ranked in RANKED.items()},
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


def select_ranked(name: str, inputs: SelectorInput) -> Indices:
    """(min(K, T),) int64 indices of the frames that `select` chooses, best first.

    Raises SelectionError for a selector that tells no ranks, a missing input, or a selector that breaks the protocol.
    """
    if name not in RANKED:
        raise SelectionError(f"selector {name!r} tells no ranks of its frames; allowed: {sorted(RANKED)}")
    budget = min(inputs.budget, inputs.frames)
    chosen = RANKED[name](replace(inputs, budget=budget))
    if chosen.shape != (budget,) or chosen.dtype != np.int64 or not np.isin(chosen, np.arange(inputs.frames)).all():
        raise SelectionError(
            f"selector {name!r} returned {chosen.dtype} {chosen.tolist()}; "
            f"expected {budget} int64 indices below {inputs.frames}, best first"
        )
    if len(np.unique(chosen)) < budget:
        raise SelectionError(f"selector {name!r} returned {chosen.tolist()}: a frame has one rank only")
    return chosen


__all__ = ["RANKED", "SELECTORS", "SelectionError", "Selector", "SelectorInput", "select", "select_ranked"]
