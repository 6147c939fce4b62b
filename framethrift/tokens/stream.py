"""Which slots of a video are shown as I-frames and which as fused P-frames (CoPE Sec. 3.2 and 4.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framethrift.config.sampling import Stream


@dataclass(frozen=True)
class StreamItem:
    """One entry of the token stream: key frame ("I") or fused P-frame ("P") at slot `slot` of GOP `gop`, `time` in seconds."""

    kind: Literal["I", "P"]
    gop: int
    slot: int
    time: float


def plan_stream(times: NDArray[np.float64], valid: NDArray[np.bool_], sampling: Stream) -> list[StreamItem]:
    """Lay a video's slots out as a token stream in temporal order.

    `times` (G, S) seconds and `valid` (G, S) describe the slots of G GOPs; slot 0 is the codec's I-frame. In every GOP the k
    slots floor(i*S/k) become key frames and every other valid slot a P-frame, left out when `sampling.delta` is "drop"; under
    adaptive fusion S is the GOP's own number of slots. With `sampling.delta` "gop-mean" the last P-frame of a GOP stands for all
    of them. Where a clip starts inside a GOP, so that its first slots are not valid,
    the first valid one becomes a key frame too. A fused P-frame always describes its slot relative to the slot before, whether
    that one is shown as a key frame or not. GOPs are thinned as `shown_gops` says.

    Raises ValueError when the shapes differ, when no slot is valid, or when a GOP has fewer slots than key frames are asked for.
    """
    if times.ndim != 2 or times.shape != valid.shape:
        raise ValueError(f"times {times.shape} and valid {valid.shape} must have the same shape (GOPs, slots)")
    slots = times.shape[1]
    keyframes = sampling.keyframes_per_gop
    adaptive = sampling.fusion == "adaptive"
    if keyframes > slots and not adaptive:
        raise ValueError(f"keyframes_per_gop {keyframes} exceeds the {slots} slots of a GOP; allowed: 1 to {slots}")
    gops = np.flatnonzero(valid.any(axis=1))
    if not len(gops):
        raise ValueError("no slot of the video is valid: there is nothing to show")
    items = []
    for gop in shown_gops(gops, sampling).tolist():
        own = int(valid[gop].sum()) if adaptive else slots
        keys = {i * own // keyframes for i in range(keyframes)}
        shown = np.flatnonzero(valid[gop]).tolist()
        for slot in shown:
            if slot in keys or slot == shown[0]:
                items.append(StreamItem("I", gop, slot, float(times[gop, slot])))
            elif sampling.delta != "drop":
                items.append(StreamItem("P", gop, slot, float(times[gop, slot])))
    return last_p_frames(items) if sampling.delta == "gop-mean" else items


def last_p_frames(items: Sequence[StreamItem]) -> list[StreamItem]:
    """`items` with of each GOP's P-frames only the last one."""
    last = {item.gop: item for item in items if item.kind == "P"}
    return [item for item in items if item.kind == "I" or item is last[item.gop]]


def plan_selected(times: NDArray[np.float64], valid: NDArray[np.bool_], chosen: Sequence[float]) -> list[StreamItem]:
    """The slots of a video as a token stream whose I-frames were chosen (CoPE x MSJoE), in temporal order.

    `times` and `valid` as in `plan_stream`; `chosen` are seconds, each shown as an I-frame at the slot nearest to it. Every
    other valid slot becomes a P-frame, relative to the slot before whether that one was chosen or not. The codec's own I-frame
    of a GOP (slot 0) has no primitives: where it was not chosen it is left out.

    Raises ValueError when the shapes differ, no slot is valid, or two chosen frames fall on one slot (more candidates per
    second than slots).
    """
    if times.ndim != 2 or times.shape != valid.shape or not valid.any():
        raise ValueError(f"times {times.shape} and valid {valid.shape} must have the same shape (GOPs, slots), with a valid slot")
    places = np.argwhere(valid)
    seconds = times[valid]
    nearest = [int(np.argmin(np.abs(seconds - time))) for time in chosen]
    keys = set(nearest)
    if len(keys) < len(nearest):
        raise ValueError(
            f"chosen frames at {sorted(chosen)} s fall on one slot: the recipe's fusion window is longer than the candidates' "
            "interval; lower candidate_fps, or shorten the window"
        )
    kinds: list[tuple[int, Literal["I", "P"]]] = [
        (number, "I" if number in keys else "P") for number, (_, slot) in enumerate(places.tolist()) if number in keys or slot
    ]
    return [StreamItem(kind, int(places[n][0]), int(places[n][1]), float(seconds[n])) for n, kind in kinds]


def shown_gops(gops: NDArray[np.int64], sampling: Stream) -> NDArray[np.int64]:
    """`gops`, thinned to `sampling.max_gops` by linspace truncated to integers (Sec. 4.1: only sampled GOPs show anything)."""
    if len(gops) <= sampling.max_gops:
        return gops
    return gops[np.linspace(0, len(gops) - 1, sampling.max_gops).astype(np.int64)]
