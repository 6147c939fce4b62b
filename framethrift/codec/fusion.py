"""Fusing consecutive P-frames into one pair (motion τ, residual δ): CoPE Sec. 3.1, Eq. 1 and "P-frame fusion".

Sign and meaning: ``target[y, x] = reference[y - τ_y, x - τ_x] + δ[y, x]`` (Eq. 1), so τ is how far the content moved
between reference and target, in whole pixels, (x, y). δ is what remains after motion compensation of the *decoded* frames, as
in CoViAR; the identity above is therefore exact in RGB integers whatever the vectors are.

How a window's τ is found: every pixel of the target is followed back, frame by frame, through the vectors of the blocks it
lands in. The position keeps quarter pixels; to find the block (and at the end, the source pixel) the displacement is rounded
to whole pixels, halves away from zero. Rounding only at the end is what makes 1.5 pixels per frame over four frames give 6.
A pixel without a vector (intra or skipped block) stays where it is for that frame. A position outside the picture is moved to
the nearest pixel of the picture, as the decoder's edge extension does, so ``i - τ_i`` is always inside.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from framethrift.codec.vectors import CELL, SUBPIXELS

_SHIFT = SUBPIXELS.bit_length() - 1
_HALF = SUBPIXELS // 2


@njit(cache=True, inline="always")
def _whole(displacement: int) -> int:
    """Quarter pixels to whole pixels, halves away from zero."""
    if displacement >= 0:
        return (displacement + _HALF) >> _SHIFT
    return -((_HALF - displacement) >> _SHIFT)


@njit(cache=True)
def fuse(
    grids: NDArray[np.int16],
    moving: NDArray[np.bool_],
    reference: NDArray[np.uint8],
    target: NDArray[np.uint8],
    motion: NDArray[np.int16],
    residual: NDArray[np.int16],
) -> None:
    """Fuse the P-frames of one window.

    Pixels that share their whole past are followed together, as rectangles: each 8x8 cell of the target starts as one, which is
    cut where its pixels land in blocks with different vectors, or outside the picture.

    Args:
        grids: vectors of the window's frames, quarter pixels, (s, rows, columns, 2), contiguous; the frames oldest first, the
            last belonging to ``target``.
        moving: (s,) whether a frame has any non-zero vector; the others are not read.
        reference: RGB (H, W, 3), the frame ``s`` before ``target``.
        target: RGB (H, W, 3).
        motion: output τ (H, W, 2), pixels (x, y).
        residual: output δ (H, W, 3).
    """
    height, width, _ = target.shape
    window, rows, columns, _ = grids.shape
    # Both components of a vector in one number: compared and fetched at once.
    vectors = grids.view(np.int32).reshape(window * rows * columns)
    frames = np.flatnonzero(moving)[::-1]
    # Rectangles that wait: left, top, right, bottom, displacement (x, y), frames followed. Never more than a cell has pixels.
    waiting = np.empty((CELL * CELL, 7), np.int32)
    for top in range(0, height, CELL):
        for left in range(0, width, CELL):
            x0, y0, x1, y1 = left, top, min(left + CELL, width) - 1, min(top + CELL, height) - 1
            dx, dy, step, count = 0, 0, 0, 0
            while True:
                sx, sy = _whole(dx), _whole(dy)
                cut_x, cut_y = -1, -1
                if x0 + sx < 0 or x1 + sx >= width:
                    if x1 > x0:
                        cut_x = x0 + 1
                    else:
                        sx = min(max(x0 + sx, 0), width - 1) - x0
                        dx = sx * SUBPIXELS
                if cut_x < 0 and (y0 + sy < 0 or y1 + sy >= height):
                    if y1 > y0:
                        cut_y = y0 + 1
                    else:
                        sy = min(max(y0 + sy, 0), height - 1) - y0
                        dy = sy * SUBPIXELS
                if cut_x < 0 and cut_y < 0:
                    if step < len(frames):
                        column, row = (x0 + sx) // CELL, (y0 + sy) // CELL
                        # A rectangle covers at most two columns and two rows of cells.
                        right = (x1 + sx) // CELL - column
                        down = ((y1 + sy) // CELL - row) * columns
                        here = (frames[step] * rows + row) * columns + column
                        vector = vectors[here]
                        if vectors[here + right] != vector or vectors[here + down + right] != vectors[here + down]:
                            cut_x = (column + 1) * CELL - sx
                        elif vectors[here + down] != vector:
                            cut_y = (row + 1) * CELL - sy
                        else:
                            dx += int(np.int16(vector & 0xFFFF))
                            dy += vector >> 16
                            step += 1
                            continue
                    else:
                        for y in range(y0, y1 + 1):
                            for x in range(x0, x1 + 1):
                                motion[y, x, 0] = -sx
                                motion[y, x, 1] = -sy
                                for channel in range(3):
                                    source = np.int16(reference[y + sy, x + sx, channel])
                                    residual[y, x, channel] = np.int16(target[y, x, channel]) - source
                        if count == 0:
                            break
                        count -= 1
                        x0, y0, x1, y1 = waiting[count, 0], waiting[count, 1], waiting[count, 2], waiting[count, 3]
                        dx, dy, step = waiting[count, 4], waiting[count, 5], waiting[count, 6]
                        continue
                waiting[count, 0] = max(cut_x, x0)
                waiting[count, 1] = max(cut_y, y0)
                waiting[count, 2] = x1
                waiting[count, 3] = y1
                waiting[count, 4] = dx
                waiting[count, 5] = dy
                waiting[count, 6] = step
                count += 1
                if cut_x >= 0:
                    x1 = cut_x - 1
                else:
                    y1 = cut_y - 1


@njit(cache=True)
def _gather(reference: NDArray[np.uint8], motion: NDArray[np.int16], out: NDArray[np.uint8]) -> None:
    height, width, channels = reference.shape
    for y in range(height):
        for x in range(width):
            source_y = min(max(y - motion[y, x, 1], 0), height - 1)
            source_x = min(max(x - motion[y, x, 0], 0), width - 1)
            for channel in range(channels):
                out[y, x, channel] = reference[source_y, source_x, channel]


def warp(reference: NDArray[np.uint8], motion: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Motion-compensate a frame: ``out[y, x] = reference[y - τ_y, x - τ_x]`` (Eq. 1 without δ).

    Args:
        reference: uint8 (H, W, C).
        motion: int16 τ (H, W, 2), pixels (x, y). Positions outside the picture take the nearest pixel of the picture.

    Returns:
        uint8 (H, W, C). With τ and δ of ``read_gops``, ``warp(reference, motion) + residual`` is exactly the target.

    Raises:
        ValueError: the sizes differ.
    """
    if reference.ndim != 3 or motion.shape != (*reference.shape[:2], 2):
        raise ValueError(f"motion of shape {motion.shape} does not fit a reference of shape {reference.shape}; want (H, W, 2)")
    out = np.empty_like(reference)
    _gather(reference, motion, out)
    return out
