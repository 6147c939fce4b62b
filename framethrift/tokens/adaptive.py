"""Fusion windows that follow the motion, under a token budget (``fusion: adaptive``; CoPE leaves it to future work).

Every shown GOP has slots; a slot's P-frame describes the frames since the slot before. Slots are shared out so that each stands
for about the same motion energy: first among the GOPs, then within each. With the same energy in every frame the result is
fixed fusion.
"""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framethrift.config.sampling import Stream
from framethrift.tokens.budget import TokenCosts, token_budget

# Share of the mean energy that every frame has in addition: still stretches are cut evenly, and no division is by zero.
_REST = 0.01


def adaptive_places(
    energies: Sequence[NDArray[np.float64]], fixed_slots: int, sampling: Stream, costs: TokenCosts
) -> list[tuple[int, ...]]:
    """Where the slots of each GOP stand.

    Args:
        energies: per shown GOP (n,), the motion energy of its frames, entry 0 being the I-frame's and unused.
        fixed_slots: slots that fixed fusion would show of these GOPs: the number without ``sampling.budget``.
        sampling: ``keyframes_per_gop`` of a GOP's slots are key frames; a GOP with fewer frames shows them all.
        costs: tokens of an I- and a P-frame.

    Returns:
        per GOP the frame numbers of its slots, from 0, increasing.

    Raises:
        ValueError: ``sampling.budget`` does not pay for the key frames.
    """
    lengths = [len(energy) for energy in energies]
    least = [min(sampling.keyframes_per_gop, length) for length in lengths]
    slots = fixed_slots
    if sampling.budget is not None:
        left = sampling.budget - token_budget((sum(least), 0), costs)
        if left < 0:
            raise ValueError(
                f"budget {sampling.budget}: the {sum(least)} key frames of {len(least)} GOPs alone cost "
                f"{sampling.budget - left} visual tokens; raise it, or lower max_gops or keyframes_per_gop"
            )
        slots = sum(least) + left // costs.p_frame
    moving = np.concatenate([energy[1:] for energy in energies])
    rest = _REST * float(moving.mean()) if moving.any() else 1.0
    levels = [np.maximum(energy, 0) + rest for energy in energies]
    shares = _shares([_whole(level) for level in levels], least, lengths, slots)
    return [_cut(level, share) for level, share in zip(levels, shares, strict=True)]


def _whole(level: NDArray[np.float64]) -> float:
    """Energy of a GOP and of the step to the next one's I-frame, which is taken for an average one and shows what is left."""
    return float(level[1:].sum() + level[1:].mean()) if len(level) > 1 else 0.0


def _shares(energy: Sequence[float], least: Sequence[int], most: Sequence[int], slots: int) -> list[int]:
    """Slots per GOP: one after the other to the GOP whose slots stand for the most energy, the earlier of equals."""
    shares = list(least)
    waiting = [(-energy[gop] / shares[gop], gop) for gop in range(len(shares)) if shares[gop] < most[gop]]
    heapq.heapify(waiting)
    for _ in range(slots - sum(shares)):
        if not waiting:
            break
        gop = waiting[0][1]
        shares[gop] += 1
        if shares[gop] < most[gop]:
            heapq.heapreplace(waiting, (-energy[gop] / shares[gop], gop))
        else:
            heapq.heappop(waiting)
    return shares


def _cut(level: NDArray[np.float64], slots: int) -> tuple[int, ...]:
    """Frame numbers of the slots: where the energy since the I-frame passes k / slots of the whole."""
    # A hair below, or rounding would move evenly spaced slots.
    wanted = np.searchsorted(np.cumsum(level[1:]), np.arange(1, slots) * (_whole(level) / slots) * (1 - 1e-9)) + 1
    places = [0]
    for number, place in enumerate(wanted.tolist(), start=1):
        places.append(min(max(place, places[-1] + 1), len(level) - slots + number))
    return tuple(places)
