"""Motion vectors of one decoded frame, on a grid of 8x8-pixel cells.

FFmpeg exports one vector per 16x16, 16x8, 8x16 or 8x8 partition, so 8x8 cells hold them without loss. A vector points from the
block to where its prediction comes from, in 1/``motion_scale`` pixels: half pixels in MPEG-4, quarter pixels in H.264. The grid
keeps quarter pixels. What has no vector of its own:

* An H.264 partition below 8x8 is represented by the first vector of its 8x8 block (FFmpeg exports no other).
* Cells of intra blocks stay zero: their pixels are taken to stand still for that frame.
* Skipped blocks: H.264 predicts a vector for them, which is exported and counts; MPEG-4's have zero by definition.
* Blocks beyond the right and bottom edge (codecs work on multiples of 16) are cut at the picture's last cell, whose part
  beyond the picture is never looked at.
* A vector may point outside the picture; it is kept as it is, see ``framethrift.codec.fusion``.
* A block of a B-frame with a past and a future vector is followed into the past.
"""

import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame
from numba import njit
from numpy.typing import NDArray

CELL = 8
SUBPIXELS = 4

# libavutil's AVMotionVector; the compiler's padding makes the raw bytes of the array meaningless, only the fields count.
VECTOR_DTYPE = np.dtype(
    [
        ("source", "int32"),
        ("w", "uint8"),
        ("h", "uint8"),
        ("src_x", "int16"),
        ("src_y", "int16"),
        ("dst_x", "int16"),
        ("dst_y", "int16"),
        ("flags", "uint64"),
        ("motion_x", "int32"),
        ("motion_y", "int32"),
        ("motion_scale", "uint16"),
    ],
    align=True,
)


def vectors_of(frame: VideoFrame) -> np.ndarray | None:
    """The vectors that came with a frame, as a structured array of ``VECTOR_DTYPE``; None when there are none."""
    # Not ``frame.side_data``: it makes the frame part of a reference cycle, so that its picture outlives its use until the
    # garbage collector comes by, and the decoder takes fresh memory for each frame.
    data = SideDataContainer(frame).get(Type.MOTION_VECTORS)  # type: ignore[call-arg]
    return None if data is None else np.frombuffer(memoryview(data), dtype=VECTOR_DTYPE)


def grid_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of cells of a picture."""
    return -(-height // CELL), -(-width // CELL)


@njit(cache=True, nogil=True)
def paint_vectors(vectors: np.ndarray, grid: NDArray[np.int16], future: NDArray[np.bool_] | None = None) -> bool:
    """Write the vectors into ``grid`` (rows, columns, 2), which must be zero, in quarter pixels (x, y).

    Args:
        vectors: as ``vectors_of`` gives them.
        grid: output.
        future: output (rows, columns), must be False: the cells that are predicted from the future only. None: such vectors
            are an error.

    Returns:
        whether any vector is non-zero, or refers to the future.

    Raises:
        ValueError: a vector that refers to a future frame without ``future``, or has a sub-pixel unit other than 1, 1/2, 1/4.
    """
    rows, columns, _ = grid.shape
    moving = False
    # The future first: what comes from the past then overwrites it.
    for direction in range(0 if future is None else 1, -1, -1):
        for index in range(len(vectors)):
            vector = vectors[index]
            scale = vector.motion_scale
            later = vector.source >= 0
            if future is None and later:
                raise ValueError("a motion vector refers to a future frame")
            if scale != 1 and scale != 2 and scale != 4:
                raise ValueError("a motion vector has an unknown sub-pixel unit")
            if later != (direction == 1):
                continue
            if future is None and vector.motion_x == 0 and vector.motion_y == 0:
                continue
            moving = True
            x = vector.motion_x * SUBPIXELS // scale
            y = vector.motion_y * SUBPIXELS // scale
            left = (vector.dst_x - vector.w // 2) // CELL
            top = (vector.dst_y - vector.h // 2) // CELL
            for row in range(max(top, 0), min(top + vector.h // CELL, rows)):
                for column in range(max(left, 0), min(left + vector.w // CELL, columns)):
                    grid[row, column, 0] = x
                    grid[row, column, 1] = y
                    if future is not None:
                        future[row, column] = later
    return moving
