"""The columns that tables of accuracy share: who was shown what, how right it was, and what that cost."""

from collections.abc import Callable

from framethrift.config.rows import Row
from framethrift.reporting.entries import accuracy_entry, against
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.ranks import RULE, ranks
from framethrift.reporting.results import Cell, Results
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, number, words

Baseline = Callable[[Row, str], Cell | None]


def names(sources: Sources, row: Row) -> dict[str, Entry]:
    """The entries that say which model was shown what."""
    return {"model": words(variant_label(sources.study, row[0])), "sampling": words(row_label(sources.study, row), note=row[1])}


def add_accuracies(
    sources: Sources,
    table: Table,
    rows: list[Row],
    *,
    tokens: bool = False,
    evidence: bool = False,
    baseline: Baseline | None = None,
    head: str = "Difference",
    ranked: Callable[[Row], bool] = lambda row: True,
) -> None:
    """Add per benchmark: accuracy, the paper's number where it has one, and if asked for token shares, the difference to a
    baseline (under `head`) and the share of the evidence that was shown. `ranked` rows are marked against one another."""
    table.caption = f"{table.caption} {RULE}"
    for benchmark in benchmarks_of(sources.results, rows):
        cells = [sources.results.cell(*row, benchmark) for row in rows]
        printed = [sources.paper_value(*row, benchmark) for row in rows]
        marks = ranks([cell if ranked(row) else None for cell, row in zip(cells, rows, strict=True)])
        shares = [sources.evidence_shown(cell) if evidence and cell is not None and not cell.missing else None for cell in cells]
        full, group = densest(cells), sources.title(benchmark)
        columns = {
            "tokens": "Tokens (%)" if tokens else "",
            "accuracy": "Accuracy (%)",
            "paper": "paper's" if any(value is not None for value in printed) else "",
            "difference": head if baseline else "",
            "evidence": "Evidence shown (%)" if any(share is not None for share in shares) else "",
        }
        table.columns += [Column(f"{benchmark}_{name}", text, group) for name, text in columns.items() if text]
        for entry, row, cell, value, mark, share in zip(table.rows, rows, cells, printed, marks, shares, strict=True):
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell, mark=mark)
            if tokens:
                entry[f"{benchmark}_tokens"] = _share(cell, full)
            if value is not None:
                entry[f"{benchmark}_paper"] = number(value)
            if baseline:
                entry[f"{benchmark}_difference"] = against(cell, baseline(row, benchmark))
            if cell is not None and share is not None:
                entry[f"{benchmark}_evidence"] = number(100 * share, files=tuple(cell.files.values()))


def benchmarks_of(results: Results, rows: list[Row]) -> list[str]:
    """Benchmarks that any of the rows is evaluated on, in the study's order."""
    return [name for name in results.benchmarks if any(results.cell(*row, name) for row in rows)]


def densest(cells: list[Cell | None]) -> float | None:
    """Most visual tokens of any present cell: the 100 % of a token column."""
    return max((cell.tokens for cell in cells if cell is not None and not cell.missing), default=None)


def _share(cell: Cell | None, full: float | None) -> Entry:
    if cell is None or cell.missing or not full:
        return Entry("")
    return Entry(
        f"{100 * cell.tokens / full:.1f}",
        100 * cell.tokens / full,
        files=tuple(cell.files.values()),
        note=f"{cell.tokens:.0f} tokens",
    )
