"""PLLaVA's adaptive average pooling over (time, height, width) (arXiv 2404.16994, Sec. 3.3).

The paper pools after the projector from 24 x 24 to 12 x 12 per frame and leaves time alone, which it found to be best; time is
pooled here only when one token per frame is still too many. Knob: the target size. Grain: a row or a column of every frame.
The release's default size of 8 x 16 x 16 differs from the 16 x 12 x 12 of its evaluation; the option `size` takes any.
"""

from collections.abc import Sequence

from framethrift.reducers.pooling import pool_frames, pool_pairs, pool_places
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError


def pllava(inputs: ReducerInput, *, size: Sequence[int] | None = None) -> Reduced:
    """Averages of adaptive boxes; `size` (t, h, w), by default the largest within the budget that keeps the frame's shape."""
    now = (inputs.frames, *inputs.grid)
    wanted = _largest(inputs) if size is None else tuple(size)
    if len(wanted) != 3 or not all(1 <= new <= old for new, old in zip(wanted, now, strict=True)):
        raise ReductionError(f"size: {wanted}; allowed: three numbers from 1 to {now}")
    pooled = pool_frames(inputs.tokens, inputs.grid, (wanted[1], wanted[2]))
    if wanted[0] != now[0]:
        pooled = pool_frames(pooled.transpose(0, 1), (now[0], 1), (wanted[0], 1)).transpose(0, 1)
    device = inputs.tokens.device
    origin, into = (part.to(device) for part in pool_pairs(now, wanted))
    places = pool_places(now, wanted).to(device)
    return Reduced(pooled.flatten(0, 1), places, origin, into, dict(zip("thw", map(float, wanted), strict=True)))


def _largest(inputs: ReducerInput) -> tuple[int, int, int]:
    """All frames at the largest size whose sides shrink alike; fewer time steps of one token where that does not fit."""
    room = inputs.budget // inputs.frames
    if room == 0:
        return inputs.budget, 1, 1
    rows, columns = inputs.grid
    alike = [(h, max(1, min(columns, round(h * columns / rows) + step))) for h in range(1, rows + 1) for step in (-1, 0, 1)]
    best = max((size for size in [*alike, (1, 1)] if size[0] * size[1] <= room), key=lambda size: size[0] * size[1])
    return inputs.frames, *best


REDUCER = Reducer(pllava, fixes=("size",))
