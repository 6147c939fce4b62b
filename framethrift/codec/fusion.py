"""Fusing consecutive P-frames into one pair (motion τ, residual δ): CoPE Sec. 3.1, Eq. 1 and "P-frame fusion".

Sign and meaning: ``target[y, x] = reference[y - τ_y, x - τ_x] + δ[y, x]`` (Eq. 1), so τ is how far the content moved
between reference and target, in whole pixels, (x, y). δ is what remains after motion compensation of the *decoded* frames, as
in CoViAR; the identity above is therefore exact in RGB integers whatever the vectors are.

How a window's τ is found: every pixel of the target is followed back, frame by frame, through the vectors of the blocks it
lands in. The position keeps quarter pixels; to find the block (and at the end, the source pixel) the displacement is rounded
to whole pixels, halves away from zero. Rounding only at the end is what makes 1.5 pixels per frame over four frames give 6.
A pixel without a vector (intra or skipped block) stays where it is for that frame. A position outside the picture is moved to
the nearest pixel of the picture, as the decoder's edge extension does, so ``i - τ_i`` is always inside. Which frame a block
leads to is the ``route``: the frame before where there are no B-frames, else see ``framethrift.codec.window``.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from framethrift.codec.vectors import CELL, SUBPIXELS

_SHIFT = SUBPIXELS.bit_length() - 1
_HALF = SUBPIXELS // 2
_CELL_SHIFT = CELL.bit_length() - 1


@njit(cache=True, inline="always")
def _whole(displacement: int) -> int:
    """Quarter pixels to whole pixels, halves away from zero (the shift by 63 is -1 for negative numbers, else 0)."""
    return (displacement + _HALF + (displacement >> 63)) >> _SHIFT


@njit(cache=True, nogil=True)
def fuse(
    grids: NDArray[np.int16],
    route: NDArray[np.int64],
    start: int,
    reference: NDArray[np.uint8],
    target: NDArray[np.uint8],
    motion: NDArray[np.int16],
    residual: NDArray[np.int16],
) -> None:
    """Fuse the frames of one window.

    Pixels that share their whole past are followed together, as rectangles: each 8x8 cell of the target starts as one, which is
    cut where its pixels land in blocks with different vectors, or outside the picture. Indices are unsigned where the loop is
    hot: numba else asks of each whether it counts from the end.

    Args:
        grids: vectors of the window's frames, quarter pixels, (n, rows, columns, 2), contiguous.
        route: the frame (index into ``grids``) in which a pixel is followed further, -1 when that is ``reference``: either
            one number per frame (n,), or one per cell (n, rows, columns).
        start: index of the frame to begin with; -1 when nothing moved.
        reference: RGB (H, W, 3), contiguous, the frame at the window's beginning.
        target: RGB (H, W, 3), contiguous.
        motion: output τ (H, W, 2), contiguous, pixels (x, y).
        residual: output δ (H, W, 3), contiguous.
    """
    height, width, _ = target.shape
    frames, rows, columns, _ = grids.shape
    # Both components of a vector in one number: compared and fetched at once, and τ written at once.
    vectors = grids.view(np.int32).reshape(frames * rows * columns)
    tau = motion.view(np.int32).reshape(height * width)
    before, after, rest = reference.reshape(3 * height * width), target.reshape(-1), residual.reshape(-1)
    links = route.reshape(-1)
    # Rectangles that wait: left, top, right, bottom, displacement (x, y), frame. Never more than a cell has pixels.
    waiting = np.empty((CELL * CELL, 7), np.int64)
    for top in range(0, height, CELL):
        for left in range(0, width, CELL):
            x0, y0, x1, y1 = left, top, min(left + CELL, width) - 1, min(top + CELL, height) - 1
            dx, dy, frame, count = 0, 0, start, 0
            while True:
                sx, sy = _whole(dx), _whole(dy)
                here = right = down = 0
                # A sum below zero sets the sign bit: one test for all four sides of the picture.
                while (x0 + sx | y0 + sy | width - 1 - x1 - sx | height - 1 - y1 - sy) >= 0 and frame >= 0:
                    # A rectangle covers at most two columns and two rows of cells.
                    column, row = (x0 + sx) >> _CELL_SHIFT, (y0 + sy) >> _CELL_SHIFT
                    right = ((x1 + sx) >> _CELL_SHIFT) - column
                    down = (((y1 + sy) >> _CELL_SHIFT) - row) * columns
                    here = (frame * rows + row) * columns + column
                    vector = vectors[np.uint64(here)]
                    if (
                        (vector ^ vectors[np.uint64(here + right)])
                        | (vector ^ vectors[np.uint64(here + down)])
                        | (vector ^ vectors[np.uint64(here + down + right)])
                    ):
                        break
                    if route.ndim == 1:
                        frame = links[np.uint64(frame)]
                    else:
                        frame = links[np.uint64(here)]
                        if (
                            frame != links[np.uint64(here + right)]
                            or frame != links[np.uint64(here + down)]
                            or frame != links[np.uint64(here + down + right)]
                        ):
                            frame = here // (rows * columns)
                            break
                    dx += int(np.int16(vector))
                    dy += int(vector >> 16)
                    sx, sy = _whole(dx), _whole(dy)
                cut_x = cut_y = 0
                if x0 + sx < 0 or x1 + sx >= width:
                    if x0 == x1:
                        dx = (min(max(x0 + sx, 0), width - 1) - x0) * SUBPIXELS
                        continue
                    cut_x = x0 + 1
                elif y0 + sy < 0 or y1 + sy >= height:
                    if y0 == y1:
                        dy = (min(max(y0 + sy, 0), height - 1) - y0) * SUBPIXELS
                        continue
                    cut_y = y0 + 1
                elif frame >= 0:
                    upright = vectors[here] != vectors[here + right] or vectors[here + down] != vectors[here + down + right]
                    if upright or (route.ndim > 1 and right):
                        cut_x = ((x1 + sx) & -CELL) - sx
                    else:
                        cut_y = ((y1 + sy) & -CELL) - sy
                else:
                    packed = np.int32((-sx & 0xFFFF) | (-sy << 16))
                    for y in range(y0, y1 + 1):
                        at = y * width + x0
                        source = at + sy * width + sx
                        for x in range(x1 - x0 + 1):
                            tau[np.uint64(at + x)] = packed
                        for value in range(3 * (x1 - x0 + 1)):
                            old = np.int16(before[np.uint64(3 * source + value)])
                            rest[np.uint64(3 * at + value)] = np.int16(after[np.uint64(3 * at + value)]) - old
                    if count == 0:
                        break
                    count -= 1
                    x0, y0, x1, y1 = waiting[count, 0], waiting[count, 1], waiting[count, 2], waiting[count, 3]
                    dx, dy, frame = waiting[count, 4], waiting[count, 5], waiting[count, 6]
                    continue
                waiting[count, 0] = max(cut_x, x0)
                waiting[count, 1] = max(cut_y, y0)
                waiting[count, 2] = x1
                waiting[count, 3] = y1
                waiting[count, 4] = dx
                waiting[count, 5] = dy
                waiting[count, 6] = frame
                count += 1
                if cut_x:
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
