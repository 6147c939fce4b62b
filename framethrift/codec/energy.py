"""How much happens in each frame, known before anything is fused: the length of its vectors, or the bytes of its packet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec.gops import require_vectors
from framethrift.codec.index import PacketIndex, gop_frames, read_index
from framethrift.codec.source import Source, open_video
from framethrift.codec.vectors import vectors_of
from framethrift.config.sampling import Energy


def frame_energy(path: str | Path, measure: Energy, gops: Sequence[int] | None = None) -> list[NDArray[np.float64]]:
    """Motion energy of the frames of the chosen GOPs (all when None), in file order.

    ``vectors`` decodes those GOPs: mean length of the motion vectors over the picture, pixels per frame; pixels without a vector
    count as still, so a cut to something new is nearly invisible to it. ``packet_size`` decodes nothing: bytes of the frame's
    packet, which grow with motion, with noise and with whatever motion does not explain.

    Returns:
        per GOP float64 (n,), n its frames; entry 0, the I-frame, is 0: it follows from nothing.

    Raises:
        VideoRejected: the file is bad, or ``vectors`` is asked of a codec that exports none.
        IndexError: a GOP number that the file does not have.
    """
    with open_video(path, vectors=measure == "vectors") as source:
        if measure == "vectors":
            require_vectors(source)
        index = read_index(source)
        starts = [*index.keyframes, len(index.pts)]
        wanted = range(len(starts) - 1) if gops is None else sorted(set(gops))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < len(starts) - 1:
            raise IndexError(f"{path} has GOPs 0 to {len(starts) - 2}, asked for {wanted[0]} to {wanted[-1]}")
        if measure == "vectors":
            energies = [_lengths(source, index, number) for number in wanted]
        else:
            energies = [index.sizes[starts[number] : starts[number + 1]].astype(np.float64) for number in wanted]
    for energy in energies:
        energy[0] = 0
    return energies


def _lengths(source: Source, index: PacketIndex, number: int) -> NDArray[np.float64]:
    frames = gop_frames(source, index, number)
    return np.array([_mean_length(vectors_of(frame), frame.width * frame.height) for frame in frames])


def _mean_length(vectors: np.ndarray | None, pixels: int) -> float:
    if vectors is None:
        return 0.0
    lengths = np.hypot(vectors["motion_x"], vectors["motion_y"]) / vectors["motion_scale"]
    return float(np.sum(lengths * vectors["w"] * vectors["h"]) / pixels)


def packet_bytes(path: str | Path, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bytes that the codec spent between each time and the next, key frames excepted: a saliency signal that costs nothing.

    A key frame is large whatever happens, so it counts as the mean of the frame before and the frame after it.

    Args:
        path: any video file; only its packets are read.
        times: seconds from the first frame, increasing, (T,).

    Returns:
        float64 (T,); the last entry reaches to the end of the file. All 0 for a file of key frames only.

    Raises:
        VideoRejected: the file is bad.
    """
    with open_video(path) as source:
        index = read_index(source)
    starts = (index.pts - index.pts[0]) * float(source.time_base)
    inter = np.flatnonzero(~index.key)
    sizes = index.sizes.astype(np.float64)
    if not len(inter):
        return np.zeros(len(times))
    before = inter[np.maximum(np.searchsorted(inter, np.flatnonzero(index.key)) - 1, 0)]
    after = inter[np.minimum(np.searchsorted(inter, np.flatnonzero(index.key)), len(inter) - 1)]
    sizes[index.key] = (sizes[before] + sizes[after]) / 2
    # Half a millisecond forgives the rounding of times that were computed from a rate.
    places = np.searchsorted(np.asarray(times, np.float64) - 5e-4, starts, side="right") - 1
    shown = places >= 0
    return np.bincount(places[shown], sizes[shown], minlength=len(times)).astype(np.float64)
