"""Two results folders side by side: every cell of both, and which moved beyond noise."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from framethrift.evaluation.comparisons import SIGNIFICANCE, holm
from framethrift.evaluation.statistics import Difference
from framethrift.reporting.cell_file import Problem, read_cell_file
from framethrift.reporting.entries import difference_entry
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.render_table import table_html, write_table
from framethrift.reporting.results import Cell, CellKey
from framethrift.reporting.site import write_assets
from framethrift.reporting.table import Column, Entry, Table, words
from framethrift.reporting.templating import html_environment

RESAMPLES = 2000


class ComparisonError(ValueError):
    """A folder that holds no cells, or two that share none."""


@dataclass(frozen=True)
class Moved:
    """One cell in both folders: second minus first on the questions that both answered, and Holm's p-value over all cells."""

    key: CellKey
    first: Cell
    second: Cell
    difference: Difference
    corrected: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the difference stands after the correction for looking at every cell."""
        return self.corrected < SIGNIFICANCE


@dataclass(frozen=True)
class Comparison:
    """Cells of both folders, cells of one of them only, and what could not be read."""

    moved: list[Moved]
    only: dict[Path, list[CellKey]]
    problems: list[Problem]


def compare(first: Path, second: Path) -> Comparison:
    """Compare the per-question files of two results folders; seeds are averaged question by question.

    Raises ComparisonError for a folder without cells, and when no cell is in both.
    """
    (ours, problems), (theirs, more) = _cells(first), _cells(second)
    shared = [key for key in ours if key in theirs]
    if not shared:
        raise ComparisonError(f"{first} and {second} share no cell: they hold other variants, samplings or benchmarks")
    problems = problems + more
    found: list[tuple[CellKey, Difference]] = []
    for key in shared:
        try:
            found.append((key, theirs[key].against(ours[key])))
        except ValueError as error:
            problems.append(Problem(str(key), None, str(error)))
    corrected = holm([difference.p_value for _, difference in found])
    moved = [Moved(key, ours[key], theirs[key], found_, p) for (key, found_), p in zip(found, corrected, strict=True)]
    only = {first: [key for key in ours if key not in theirs], second: [key for key in theirs if key not in ours]}
    return Comparison(moved, only, problems)


def write_comparison(comparison: Comparison, first: Path, second: Path, out: Path) -> Path:
    """Write <out>/index.html and the table as CSV and LaTeX beside it; cells that moved come first."""
    folder = ReportFolder(out)
    write_assets(folder)
    table = _table(comparison, first, second)
    moved = sum(item.beyond_noise for item in comparison.moved)
    page = html_environment().get_template("compare.html.j2")
    write_table(table, folder)
    return folder.write(
        "index.html",
        page.render(
            first=first.as_posix(),
            second=second.as_posix(),
            moved=moved,
            total=len(comparison.moved),
            table=table_html(table, folder, "index.html"),
            only={root.as_posix(): keys for root, keys in comparison.only.items()},
            problems=comparison.problems,
        ),
    )


def _cells(root: Path) -> tuple[dict[CellKey, Cell], list[Problem]]:
    frames: dict[CellKey, list[pd.DataFrame]] = {}
    files: dict[CellKey, dict[int, Path]] = {}
    problems: list[Problem] = []
    for path in sorted(root.glob("cells/*/*/seed*/*.jsonl")):
        variant, sampling, seed = path.parts[-4:-1]
        key, number = CellKey(variant, sampling, path.stem), int(seed.removeprefix("seed"))
        rows, wrong = read_cell_file(path, path.stem, f"{key}, {seed}")
        problems += wrong
        if rows:
            frames.setdefault(key, []).append(pd.DataFrame(rows).assign(seed=number))
            files.setdefault(key, {})[number] = path
    if not frames:
        raise ComparisonError(f"{root}: no cells/<variant>/<sampling>/seed<k>/<benchmark>.jsonl with questions found")
    return {key: Cell(key, RESAMPLES, pd.concat(parts, ignore_index=True), files[key]) for key, parts in frames.items()}, problems


def _table(comparison: Comparison, first: Path, second: Path) -> Table:
    columns = [
        Column("cell", "Cell", numeric=False),
        Column("first", "first (%)"),
        Column("second", "second (%)"),
        Column("difference", "second − first"),
        Column("p", "p, Holm"),
        Column("verdict", "Beyond noise", numeric=False),
    ]
    caption = (
        f"First: {first.as_posix()}; second: {second.as_posix()}. Paired on the questions that both answered, 95 % bootstrap "
        f"intervals over videos; p-values corrected by Holm for {len(comparison.moved)} cells."
    )
    table = Table("compare", "Cells of both", caption, columns)
    for item in sorted(comparison.moved, key=lambda item: (item.corrected, -abs(item.difference.value))):
        first_files, second_files = tuple(item.first.files.values()), tuple(item.second.files.values())
        table.rows.append(
            {
                "cell": words(str(item.key)),
                "first": _accuracy(item.first, first_files),
                "second": _accuracy(item.second, second_files),
                "difference": difference_entry(item.difference, second_files),
                "p": Entry(f"{item.corrected:.2g}", item.corrected),
                "verdict": words("moved" if item.beyond_noise else "within noise"),
            }
        )
    return table


def _accuracy(cell: Cell, files: tuple[Path, ...]) -> Entry:
    found = cell.accuracy
    return Entry(f"{100 * found.value:.1f}", 100 * found.value, 100 * found.low, 100 * found.high, files=files)
