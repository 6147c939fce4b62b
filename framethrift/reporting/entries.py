"""From estimates to table entries: one way of rounding, linking and saying that something is not settled."""

from pathlib import Path
from urllib.parse import urlencode

from framethrift.evaluation import statistics
from framethrift.reporting.results import Cell
from framethrift.reporting.table import INCONCLUSIVE, Entry, minus, missing


def questions_page(cell: Cell, **filters: str) -> str:
    """Address in the report where a cell's questions are listed; `filters` narrow them (type, part, outcome)."""
    return f"questions/{cell.key.benchmark}.html#{urlencode({'cell': cell.key.system} | filters)}"


def accuracy_entry(cell: Cell | None, *, mark: str = "") -> Entry:
    """Accuracy in % with its interval, leading to the questions; or why there is none."""
    if cell is None:
        return missing("not part of this study")
    if cell.missing:
        return missing(f"{cell.key}: {cell.missing}")
    found = cell.accuracy
    told = [f"{count} {what}" for count, what in ((cell.unparsable, "unparsable"), (cell.failed, "judge failed")) if count]
    note = ", ".join([*told, *([cell.short] if cell.short else [])])
    return Entry(
        f"{100 * found.value:.1f}",
        100 * found.value,
        100 * found.low,
        100 * found.high,
        page=questions_page(cell),
        files=tuple(cell.files.values()),
        note=note,
        mark=mark,
    )


def difference_entry(found: statistics.Difference, files: tuple[Path, ...] = ()) -> Entry:
    """A difference in points with its interval; an interval that includes zero is called inconclusive."""
    settled = found.low > 0 or found.high < 0
    text = minus(f"{100 * found.value:+.1f}")
    note, mark = ("", "") if settled else (INCONCLUSIVE, "open")
    return Entry(
        text, 100 * found.value, 100 * found.low, 100 * found.high, files=files, note=note, mark=mark, p_value=found.p_value
    )


def against(cell: Cell | None, baseline: Cell | None) -> Entry:
    """Paired difference cell − baseline; empty for the baseline itself."""
    if cell is None or cell.missing or cell is baseline:
        return Entry("")
    if baseline is None:
        return missing(f"{cell.key}: the study has no baseline for it")
    if baseline.missing:
        return missing(f"baseline {baseline.key}: {baseline.missing}")
    try:
        found = cell.against(baseline)
    except ValueError as error:
        return missing(str(error))
    return difference_entry(found, tuple([*cell.files.values(), *baseline.files.values()]))
