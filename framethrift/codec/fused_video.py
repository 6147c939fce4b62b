"""A whole video as stacked arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec.gops import read_gops


@dataclass(frozen=True)
class FusedVideo:
    """All GOPs of a video at their slots; S is the largest number of slots of any GOP.

    Attributes:
        times: seconds, float64 (G, S); NaN where ``valid`` is False.
        valid: bool (G, S): False for slots that a shorter GOP (usually the last) does not have.
        frames: RGB uint8 (G, S, H, W, 3); zero where not valid.
        motion: τ, int16 (G, S-1, H, W, 2); entry j - 1 describes slot j relative to slot j - 1; zero where not valid.
        residual: δ, int16 (G, S-1, H, W, 3); likewise.
    """

    times: NDArray[np.float64]
    valid: NDArray[np.bool_]
    frames: NDArray[np.uint8]
    motion: NDArray[np.int16]
    residual: NDArray[np.int16]


def read_video(path: str | Path, window: int, *, b_frames: bool = False) -> FusedVideo:
    """Read a whole (short) video; for long ones use ``read_gops``, which holds one GOP at a time.

    Args and errors: as ``read_gops``.
    """
    gops = list(read_gops(path, window, b_frames=b_frames))
    slots = max(len(gop.times) for gop in gops)
    size = gops[0].frames.shape[1:3]
    video = FusedVideo(
        times=np.full((len(gops), slots), np.nan),
        valid=np.zeros((len(gops), slots), np.bool_),
        frames=np.zeros((len(gops), slots, *size, 3), np.uint8),
        motion=np.zeros((len(gops), slots - 1, *size, 2), np.int16),
        residual=np.zeros((len(gops), slots - 1, *size, 3), np.int16),
    )
    for number, gop in enumerate(gops):
        count = len(gop.times)
        video.times[number, :count] = gop.times
        video.valid[number, :count] = True
        video.frames[number, :count] = gop.frames
        video.motion[number, : count - 1] = gop.motion
        video.residual[number, : count - 1] = gop.residual
    return video
