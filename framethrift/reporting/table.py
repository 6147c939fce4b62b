"""One table: a frame of entries from which CSV, HTML and LaTeX are all rendered."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from framethrift.evaluation.comparisons import SIGNIFICANCE, holm

MISSING = "—"
INCONCLUSIVE = "inconclusive"
BLOCK = 36  # rows that fit on a printed page
RANKS = ("best", "second", "third")


@dataclass(frozen=True)
class Entry:
    """One cell of a table: what it shows and where that comes from.

    `text` is shown; `value`, `low`, `high` are its unrounded numbers in the column's unit; `page` leads to the questions behind
    it; `files` are the result files; `missing` says why there is no number; `mark` is a rank, "open" (not settled) or empty;
    `p_value` is that of a difference, `corrected` the same after a correction for the other differences of its table.
    """

    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    page: str | None = None
    files: tuple[Path, ...] = ()
    missing: str | None = None
    note: str = ""
    mark: str = ""
    digits: int = 1
    p_value: float | None = None
    corrected: float | None = None

    @property
    def interval(self) -> str:
        """The 95 % interval, or nothing."""
        return (
            "" if self.low is None or self.high is None else minus(f"[{self.low:.{self.digits}f}, {self.high:.{self.digits}f}]")
        )


@dataclass(frozen=True)
class Column:
    """A column: machine name, head and the group head above it (empty: none).

    `width` is its share of the line where a long table is printed; a long table's columns without one are left out in print.
    """

    name: str
    head: str
    group: str = ""
    numeric: bool = True
    width: float = 0.0


@dataclass
class Table:
    """A table of the report; `frame` has one Entry per row and column name. A `long` one runs over pages in print."""

    name: str
    title: str
    caption: str
    columns: list[Column]
    rows: list[dict[str, Entry]] = field(default_factory=list)
    long: bool = False

    @property
    def frame(self) -> pd.DataFrame:
        """Entries by row and column; an entry nobody gave is an empty one. Raises ValueError for two columns of one name."""
        if len({column.name for column in self.columns}) < len(self.columns):
            raise ValueError(f"table {self.name}: two columns have one name: {[column.name for column in self.columns]}")
        return pd.DataFrame(
            [[row.get(column.name, Entry("")) for column in self.columns] for row in self.rows],
            columns=[column.name for column in self.columns],
            dtype=object,
        )

    @property
    def printed(self) -> list[Column]:
        """Columns that fit on paper."""
        return [column for column in self.columns if column.width] if self.long else self.columns

    @property
    def tall(self) -> bool:
        """Whether it has more rows than fit on a page or a screen: scrolled and searched there, printed in blocks."""
        return len(self.rows) > BLOCK

    @property
    def blocks(self) -> list[list[dict[str, Entry]]]:
        """Its rows in blocks that fit on a page each."""
        return [self.rows[start : start + BLOCK] for start in range(0, len(self.rows), BLOCK)]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Group heads with the number of columns they span, in order."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return spans

    @property
    def reasons(self) -> list[str]:
        """Why entries are missing, each reason once, in reading order."""
        found = [row[column.name].missing for row in self.rows for column in self.columns if column.name in row]
        return [reason for reason in dict.fromkeys(found) if reason]

    def correct(self) -> None:
        """Correct the p-values of all differences by Holm's method as one family; those above 5 % are called inconclusive.

        Intervals stay those of each comparison alone. The caption then says how many comparisons there are.
        """
        found = [(row, name, entry) for row in self.rows for name, entry in row.items() if entry.p_value is not None]
        for (row, name, entry), value in zip(found, holm([entry.p_value for _, _, entry in found]), strict=True):  # type: ignore[misc]
            note, mark = ("", "") if value <= SIGNIFICANCE else (INCONCLUSIVE, "open")
            row[name] = replace(entry, corrected=value, note=note, mark=mark)
        if len(found) > 1:
            self.caption += (
                f" Differences not called inconclusive hold at {SIGNIFICANCE:.0%} after Holm's correction for the "
                f"{len(found)} of this table."
            )

    def csv(self, link: Callable[[Path], str]) -> str:
        """The frame as CSV: unrounded value, interval, reason and source file beside the shown text."""
        heads, picks = [], []
        frame = self.frame
        for column in self.columns:
            entries = list(frame[column.name])
            heads.append(column.name)
            if not column.numeric:
                picks.append([entry.text for entry in entries])
                continue
            picks.append([_exact(entry.value) for entry in entries])
            if any(entry.low is not None for entry in entries):
                heads += [f"{column.name}_low", f"{column.name}_high"]
                picks += [[_exact(entry.low) for entry in entries], [_exact(entry.high) for entry in entries]]
            if any(entry.mark in RANKS for entry in entries):
                heads.append(f"{column.name}_rank")
                picks.append([str(RANKS.index(entry.mark) + 1) if entry.mark in RANKS else "" for entry in entries])
            if any(entry.p_value is not None for entry in entries):
                heads += [f"{column.name}_p", f"{column.name}_p_holm"]
                picks += [[_exact(entry.p_value) for entry in entries], [_exact(entry.corrected) for entry in entries]]
            if any(entry.missing for entry in entries):
                heads.append(f"{column.name}_missing")
                picks.append([entry.missing or "" for entry in entries])
            if any(entry.files for entry in entries):
                heads.append(f"{column.name}_source")
                picks.append([" ".join(link(file) for file in entry.files) for entry in entries])
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows(zip(*picks, strict=True))
        return buffer.getvalue()


def minus(text: str) -> str:
    """Numbers with a real minus sign."""
    return text.replace("-", "−")


def missing(reason: str) -> Entry:
    """An entry without a number, and why."""
    return Entry(MISSING, missing=reason)


def words(text: str, note: str = "") -> Entry:
    """An entry of words."""
    return Entry(text, note=note)


def number(value: float, digits: int = 1, *, files: tuple[Path, ...] = (), note: str = "") -> Entry:
    """A number without an interval."""
    return Entry(f"{value:.{digits}f}", value=value, files=files, note=note)


def _exact(value: float | None) -> str:
    return "" if value is None else repr(round(value, 10))
