"""Proof on anybody's file: what was read back equals an independent decoding, pixel for pixel."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from framethrift.codec.fusion import warp
from framethrift.codec.gops import Windows, read_gops
from framethrift.codec.pictures import RgbReader
from framethrift.codec.source import open_video


@dataclass(frozen=True)
class VerifyResult:
    """What ``verify`` found.

    Attributes:
        path: the file.
        window: the fusion window s, or the windows of each GOP.
        gops: GOPs read.
        windows: fused windows checked.
        mismatching_pixels: pixels, over all slots, where the I-frame, or warp(reference, τ) + δ, differs from the frame that a
            plain decoding (without vectors) gives.
        mean_residual: mean |δ| over windows, pixels and channels, in grey levels; NaN without windows.
        mean_difference: mean |target - reference| likewise: what δ would be with τ = 0.
    """

    path: Path
    window: Windows
    gops: int
    windows: int
    mismatching_pixels: int
    mean_residual: float
    mean_difference: float

    @property
    def gain(self) -> float:
        """Share of the frame difference that τ explains: 1 - mean |δ| / mean |target - reference|; 0 for a still video."""
        return 1 - self.mean_residual / self.mean_difference if self.mean_difference else 0.0


@njit(cache=True)
def _tally(
    warped: NDArray[np.uint8], delta: NDArray[np.int16], truth: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> tuple[np.int64, np.int64, np.int64]:
    """Pixels where warped + δ is not the truth, sum of |δ|, sum of |truth - reference|."""
    mismatching, residual, difference = np.int64(0), np.int64(0), np.int64(0)
    for y in range(truth.shape[0]):
        for x in range(truth.shape[1]):
            wrong = False
            for channel in range(3):
                # Widened first: unsigned bytes would wrap around.
                value = np.int64(truth[y, x, channel])
                rest = np.int64(delta[y, x, channel])
                wrong |= np.int64(warped[y, x, channel]) + rest != value
                residual += abs(rest)
                difference += abs(value - np.int64(reference[y, x, channel]))
            mismatching += np.int64(wrong)
    return mismatching, residual, difference


def _plain_slots(path: Path, window: Windows) -> Iterator[NDArray[np.uint8]]:
    """The frames at the slots, decoded without asking for vectors."""
    rgb = RgbReader()
    gop, position = -1, 0
    places = {} if isinstance(window, int) else {number: {0, *accumulate(own)} for number, own in window.items()}
    with open_video(path) as source:
        for frame in source.frames():
            if frame.key_frame:
                gop, position = gop + 1, 0
            elif gop < 0:
                continue
            if position % window == 0 if isinstance(window, int) else position in places.get(gop, ()):
                yield rgb.read(frame).copy()
            position += 1


def verify(path: str | Path, window: Windows, *, b_frames: bool = False) -> VerifyResult:
    """Read a file's primitives and check ``warp(reference, τ) + δ == target`` against a second, plain decoding.

    Memory does not grow with the file. The identity alone would hold for τ = 0 too; ``gain`` says what τ is worth.

    Raises:
        VideoRejected, ValueError: as ``read_gops``.
    """
    path = Path(path)
    gops = windows = mismatching = values = residual = difference = 0
    plain = _plain_slots(path, window)
    for gop in read_gops(path, window, b_frames=b_frames):
        gops += 1
        truth = next(plain)
        mismatching += int((gop.frames[0] != truth).any(axis=-1).sum())
        for motion, delta in zip(gop.motion, gop.residual, strict=True):
            reference, truth = truth, next(plain)
            counts = _tally(warp(reference, motion), delta, truth, reference)
            mismatching += int(counts[0])
            residual += int(counts[1])
            difference += int(counts[2])
            windows += 1
            values += delta.size
    unmatched = sum(1 for _ in plain)
    if unmatched:
        raise RuntimeError(f"{path}: a plain decoding has {unmatched} slots more than were read")
    mean_residual, mean_difference = (total / values if values else float("nan") for total in (residual, difference))
    return VerifyResult(path, window, gops, windows, mismatching, mean_residual, mean_difference)
