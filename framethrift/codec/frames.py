"""Pictures at given times, from any codec."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec.index import read_index
from framethrift.codec.pictures import RgbReader, rotation_of
from framethrift.codec.probe import VideoFacts, probe
from framethrift.codec.source import open_video


def sample_times(video: str | Path | VideoFacts, fps: float, limit: int | None = None) -> NDArray[np.float64]:
    """Candidate times k / fps within the video; more than ``limit`` are thinned out uniformly, first and last kept.

    Returns:
        seconds, float64 (n,), n >= 1.

    Raises:
        ValueError: ``fps`` not positive or ``limit`` below 1.
        VideoRejected: the file is bad.
    """
    if fps <= 0:
        raise ValueError(f"fps must be positive, not {fps}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, not {limit}")
    facts = video if isinstance(video, VideoFacts) else probe(video)
    # The last frame's own duration counts; the epsilon keeps 2.0 s at 1 fps from having a third candidate at its very end.
    count = max(int(np.ceil(facts.duration * fps - 1e-6)), 1)
    times = np.arange(count) / fps
    if limit is not None and count > limit:
        times = times[np.linspace(0, count - 1, limit).round().astype(int)]
    return times


def read_frames(path: str | Path, times: Sequence[float] | NDArray[np.float64]) -> NDArray[np.uint8]:
    """The frame shown at each time (the last one that starts at or before it; the first one for times before it).

    Each stretch between two key frames is decoded at most once, and only as far as needed; times may come in any order and
    repeat. The container's rotation is applied.

    Args:
        path: any video file.
        times: seconds from the first frame.

    Returns:
        RGB uint8 (n, H, W, 3).

    Raises:
        VideoRejected: the file is bad.
        ValueError: no times, or times that are not finite.
    """
    wanted = np.asarray(times, np.float64)
    if wanted.ndim != 1 or wanted.size == 0 or not np.isfinite(wanted).all():
        raise ValueError(f"times must be a non-empty list of seconds, not {times!r}")
    with open_video(path) as source:
        index = read_index(source)
        # Half a time unit forgives the rounding of times that were computed from a pts.
        units = index.pts[0] + np.array([Fraction(time) / source.time_base for time in wanted.tolist()], np.float64) + 0.5
        places = np.maximum(np.searchsorted(index.pts, units, side="right") - 1, 0)
        targets = index.pts[places]
        keys = index.pts[index.key]
        stretches = np.searchsorted(keys, targets, side="right") - 1
        rgb = RgbReader()
        pictures: dict[int, NDArray[np.uint8]] = {}
        for stretch in np.unique(stretches):
            needed = sorted(set(targets[stretches == stretch].tolist()))
            source.seek(int(keys[max(stretch, 0)]))
            for frame in source.frames():
                if frame.pts is None:
                    raise source.reject("timestamps", "a frame has no timestamp; remux the file into mp4 or mkv")
                while needed and needed[0] <= frame.pts:
                    pictures[needed.pop(0)] = rgb.read_upright(frame, rotation_of(frame))
                if not needed:
                    break
            if needed:
                raise source.reject("corrupt", f"no frame at {float(needed[0] * source.time_base):.3f} s")
        return np.stack([pictures[target] for target in targets.tolist()])
