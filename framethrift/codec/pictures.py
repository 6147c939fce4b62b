"""From decoded frames to RGB pictures."""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

# H.273 matrix numbers that swscale knows; anything else (unspecified) is taken for BT.601, as FFmpeg does.
_MATRICES = {1, 4, 5, 6, 7, 9}


def matrix_of(frame: VideoFrame) -> int:
    """The colour matrix of a frame as swscale numbers it."""
    return frame.colorspace if frame.colorspace in _MATRICES else int(Colorspace.ITU601)


def range_of(frame: VideoFrame) -> int:
    """The colour range of a frame: JPEG (full) or MPEG (limited)."""
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    return int(ColorRange.JPEG if full else ColorRange.MPEG)


class RgbReader:
    """Converts frames of one video to RGB uint8 (H, W, 3), all of the first frame's size."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def read(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """One frame as RGB uint8 (H, W, 3), as stored (not rotated)."""
        if self._size is None:
            self._size = (frame.width, frame.height)
        width, height = self._size
        rgb = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=matrix_of(frame),
            dst_colorspace=int(Colorspace.ITU601),
            src_color_range=range_of(frame),
        )
        return rgb.to_ndarray().astype(np.uint8, copy=False)

    def read_upright(self, frame: VideoFrame, rotation: int) -> NDArray[np.uint8]:
        """One frame as it is meant to be seen, ``rotation`` being ``rotation_of`` the first frame."""
        picture = self.read(frame)
        return np.ascontiguousarray(np.rot90(picture, rotation // 90)) if rotation else picture


def rotation_of(frame: VideoFrame) -> int:
    """Degrees counter-clockwise by which the container asks to turn the frame: 0, 90, 180 or 270 (nearest quarter turn)."""
    return round(frame.rotation / 90) * 90 % 360
