"""Where a video's slots stand, and with them what is read of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec.energy import frame_energy
from framethrift.config.sampling import Stream
from framethrift.tokens.adaptive import adaptive_places
from framethrift.tokens.budget import TokenCosts
from framethrift.tokens.stream import StreamItem, plan_stream, shown_gops


@dataclass(frozen=True)
class Slots:
    """The slots of a re-encoded video.

    ``windows`` is what ``read_gops`` takes: frames per window, or per shown GOP the length of each of its windows. ``times``
    (G, S) are seconds, NaN where ``valid`` (G, S) is False.
    """

    windows: int | dict[int, tuple[int, ...]]
    times: NDArray[np.float64]
    valid: NDArray[np.bool_]

    def window_of(self, gop: int) -> int | tuple[int, ...]:
        """The windows of one GOP."""
        return self.windows if isinstance(self.windows, int) else self.windows[gop]

    def plan(self, sampling: Stream) -> list[StreamItem]:
        """The slots as a token stream; errors as ``plan_stream``."""
        return plan_stream(self.times, self.valid, sampling)


def fixed_slots(keyframes: Sequence[int], frames: int, fps: float, window: int) -> Slots:
    """Slots every `window` frames of GOPs that start at the frame numbers `keyframes`; nothing is read.

    Frames after the last whole window of a GOP have no slot.
    """
    counts = 1 + (np.diff([*keyframes, frames]) - 1) // window
    valid = np.arange(counts.max()) < counts[:, None]
    places = np.array(keyframes)[:, None] + window * np.arange(counts.max())
    return Slots(window, np.where(valid, places / fps, np.nan), valid)


def adaptive_slots(
    path: Path, keyframes: Sequence[int], frames: int, fps: float, window: int, sampling: Stream, costs: TokenCosts
) -> Slots:
    """Slots that follow the motion of the GOPs that ``sampling`` shows; the others have none.

    Raises VideoRejected as ``frame_energy``, ValueError as ``adaptive_places``.
    """
    gops = shown_gops(np.arange(len(keyframes)), sampling).tolist()
    lengths = np.diff([*keyframes, frames])[gops]
    energies = frame_energy(path, sampling.energy, gops)
    found = adaptive_places(energies, int(np.sum(1 + (lengths - 1) // window)), sampling, costs)
    places = dict(zip(gops, found, strict=True))
    windows = {gop: tuple(end - start for start, end in pairwise(own)) for gop, own in places.items()}
    return Slots(windows, *_table(keyframes, places, fps))


def _table(
    keyframes: Sequence[int], places: Mapping[int, tuple[int, ...]], fps: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    times = np.full((len(keyframes), max(map(len, places.values()))), np.nan)
    for gop, own in places.items():
        times[gop, : len(own)] = (keyframes[gop] + np.array(own)) / fps
    return times, ~np.isnan(times)
