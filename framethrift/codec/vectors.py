"""Motion vectors of one decoded frame, on a grid of 8x8-pixel cells.

FFmpeg exports one vector per 16x16, 16x8, 8x16 or 8x8 partition (an H.264 partition below 8x8 is represented by its first
vector), so 8x8 cells hold them without loss. A vector points from the block to where its prediction comes from, in
1/``motion_scale`` pixels: half pixels in MPEG-4, quarter pixels in H.264. The grid keeps quarter pixels. Cells of intra
blocks, and blocks that the codec skipped, have no vector and stay zero.
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


@njit(cache=True)
def paint_vectors(vectors: np.ndarray, grid: NDArray[np.int16]) -> bool:
    """Write the vectors into ``grid`` (rows, columns, 2), which must be zero, in quarter pixels (x, y).

    Returns whether any vector is non-zero. Parts of blocks beyond the picture (codecs work on multiples of 16) are dropped.

    Raises:
        ValueError: a vector that refers to a future frame, or has a sub-pixel unit other than 1, 1/2 or 1/4.
    """
    rows, columns, _ = grid.shape
    moving = False
    for index in range(len(vectors)):
        vector = vectors[index]
        scale = vector.motion_scale
        if vector.source >= 0:
            raise ValueError("a motion vector refers to a future frame")
        if scale != 1 and scale != 2 and scale != 4:
            raise ValueError("a motion vector has an unknown sub-pixel unit")
        if vector.motion_x == 0 and vector.motion_y == 0:
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
    return moving
