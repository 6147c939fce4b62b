"""Which rows of a column are best, second and third: marked like the papers' tables, but only where the data separate them."""

from collections.abc import Sequence
from functools import cache, partial

from framethrift.evaluation.comparisons import SIGNIFICANCE, holm
from framethrift.reporting.results import Cell
from framethrift.reporting.table import RANKS

RULE = (
    "Best in bold, second underlined, third in italics, where paired differences separate a row from every row above and below "
    "(5 %, Holm's correction within the column); no mark means not separated."
)


def ranks(cells: Sequence[Cell | None]) -> list[str]:
    """A mark of RANKS, or nothing, per cell of one column.

    Ordered by accuracy, a cut below place k holds when each of the first k is above each of the others by a paired test on the
    same questions. A place is marked when the cuts on both sides of it hold, the last place never. Holm's correction counts every
    comparison with one of the first three, asked or not; where neighbours do not differ, no other comparison can make the cut.
    """
    order = [number for number, cell in enumerate(cells) if cell is not None and not cell.missing]
    order.sort(key=lambda number: -_cell(cells, number).accuracy.value)
    places = range(min(len(RANKS), len(order) - 1))
    above = cache(partial(_above, cells, order))  # cuts share comparisons
    p_values = {(upper, lower): 1.0 for upper in places for lower in range(upper + 1, len(order))}
    for cut in places:
        if above(cut, cut + 1) <= SIGNIFICANCE:
            for upper in range(cut + 1):
                for lower in range(cut + 1, len(order)):
                    p_values[upper, lower] = above(upper, lower)
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    holds = [
        all(corrected[upper, lower] <= SIGNIFICANCE for upper in range(cut + 1) for lower in range(cut + 1, len(order)))
        for cut in places
    ]
    marks = [""] * len(cells)
    for place in places:
        if holds[place] and (place == 0 or holds[place - 1]):
            marks[order[place]] = RANKS[place]
    return marks


def _above(cells: Sequence[Cell | None], order: Sequence[int], upper: int, lower: int) -> float:
    """P-value of one place's cell being above another's; 1 where it is not above, or they share no question."""
    try:
        found = _cell(cells, order[upper]).against(_cell(cells, order[lower]))
    except ValueError:
        return 1.0
    return found.p_value if found.value > 0 else 1.0


def _cell(cells: Sequence[Cell | None], number: int) -> Cell:
    cell = cells[number]
    assert cell is not None  # only present cells are ordered
    return cell
