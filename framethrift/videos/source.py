"""Writes source videos: nearly lossless H.264, which the codec stage re-encodes to the study's recipe."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from framethrift.files import replace_file


def write_source(frames: Iterable[NDArray[np.uint8]], path: Path, fps: float) -> None:
    """Write RGB frames (H, W, 3), all of one size, at a constant rate to an MP4 file, atomically; equal frames, equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda partial: _encode(frames, partial, fps))


def _encode(frames: Iterable[NDArray[np.uint8]], path: Path, fps: float) -> None:
    options = {"preset": "ultrafast", "crf": "8", "bf": "0"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.pix_fmt = "yuv420p"
        # Several encoder threads would make the bytes depend on the machine.
        stream.codec_context.thread_count = 1
        for number, frame in enumerate(frames):
            if number == 0:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
