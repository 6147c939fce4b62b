"""Driving a method's own knob to a budget: the setting that keeps the most tokens without exceeding it."""

from collections.abc import Callable

import torch
from torch import Tensor

PROBES = 20  # halvings of a continuous knob's range: a millionth of it


def bisect(count: Callable[[float], int], low: float, high: float, budget: int) -> float:
    """The knob in [low, high] with the most tokens within `budget`, where `count` rises with the knob.

    `low` where even that exceeds the budget. A count that is not quite monotone costs optimality, never the budget.
    """
    if count(high) <= budget:
        return high
    best = low
    for _ in range(PROBES):
        middle = (low + high) / 2
        if count(middle) <= budget:
            best = low = middle
        else:
            high = middle
    return best


def bisect_steps(count: Callable[[int], int], low: int, high: int, budget: int) -> int:
    """As `bisect` for a knob that takes whole numbers from `low` to `high`."""
    while low < high:
        middle = (low + high + 1) // 2
        if count(middle) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def threshold_for(values: Tensor, room: int) -> float:
    """The largest threshold τ of which at most `room` of the values are strictly below; what bisection would converge to.

    With no value to place, or room for all, the next number above the largest value.
    """
    flat = values.flatten()
    if not len(flat):
        return 1.0
    if room >= len(flat):
        return float(torch.nextafter(flat.max(), flat.new_tensor(torch.inf)))
    return float(flat.kthvalue(max(room, 0) + 1).values)


def spread(total: int, parts: int) -> list[int]:
    """`total` dealt over `parts` as evenly as whole numbers allow, the larger ones evenly spaced."""
    marks = [total * (part + 1) // parts for part in range(parts)]
    return [mark - before for mark, before in zip(marks, [0, *marks], strict=False)]
