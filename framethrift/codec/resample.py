"""Constant frame rate from any timestamps."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")

# A jump this long between two frames is a broken clock, not a slide show.
LONGEST_GAP = 600


class BrokenClock(ValueError):
    """Timestamps that go backwards, or jump further than any video does."""


def constant_rate(timed: Iterable[tuple[Fraction, T]], fps: Fraction) -> Iterator[T]:
    """Yield, for each tick k/fps after the first time, the item nearest in time (the earlier one on a tie).

    The last item is taken to last as long as the one before it (one tick when it is the only one), so that n frames at the
    same rate give n frames again. Times are exact fractions of a second: no drift, no dependence on rounding.

    Raises:
        BrokenClock: times go backwards, or jump by more than ``LONGEST_GAP`` seconds.
    """
    tick = 0
    first = previous = step = Fraction(0)
    held: T | None = None
    for time, item in timed:
        if held is None:
            first = time
        else:
            step = time - previous
            if step < 0 or step > LONGEST_GAP:
                raise BrokenClock(f"time jumps from {float(previous):.3f} s to {float(time):.3f} s")
            while first + tick / fps <= (previous + time) / 2:
                yield held
                tick += 1
        held, previous = item, time
    if held is None:
        return
    step = step or 1 / fps
    while first + tick / fps <= previous + step / 2:
        yield held
        tick += 1
