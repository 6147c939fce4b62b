"""The cells of a study as they lie in its results folder, with every gap and contradiction on record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.rows import Row
from framethrift.evaluation import statistics
from framethrift.evaluation.judging.verdicts import StaleVerdicts, with_verdicts
from framethrift.reporting.cell_file import Problem, check_summary, read_cell_file, read_json, sound_summary
from framethrift.reporting.run_file import RunFile, read_run


@dataclass(frozen=True, order=True)
class CellKey:
    """Names of one cell."""

    variant: str
    sampling: str
    benchmark: str

    def __str__(self) -> str:
        return f"{self.variant} / {self.sampling} / {self.benchmark}"

    @property
    def row(self) -> Row:
        """The row of a table that the cell stands in."""
        return self.variant, self.sampling

    @property
    def system(self) -> str:
        """Variant and sampling as one name, for addresses and files."""
        return f"{self.variant}__{self.sampling}"


@dataclass
class Cell:
    """One cell over all seeds: its questions, or why there are none.

    `rows` holds one line per question and seed; a number is the mean over questions (by the levels of `macro`, where the
    benchmark averages groups) of the mean over seeds. `summaries` are what cells.json says of the benchmark, by seed;
    `failed` counts the answers that are left out because their judge failed.
    """

    key: CellKey
    resamples: int
    rows: pd.DataFrame
    files: dict[int, Path] = field(default_factory=dict)
    missing: str | None = None
    macro: tuple[str, ...] = ()
    summaries: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: int = 0

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Per question (index question_id, sorted): cluster, part, type, score averaged over seeds, chance (NaN if open)."""
        chances = self.rows["options"].map(lambda options: 1 / len(options) if options else float("nan"))
        grouped = self.rows.assign(chance=chances).groupby("question_id", sort=True)
        kept = {name: (name, "first") for name in ("cluster", "part", "type", "chance")}
        return grouped.agg(score=("score", "mean"), **kept)

    @cached_property
    def accuracy(self) -> statistics.Estimate:
        """Accuracy, a share of 1, with the 95 % bootstrap interval over videos."""
        scores = self.scores
        return statistics.accuracy(scores["score"], scores["cluster"], levels=self._levels(scores), resamples=self.resamples)

    def _levels(self, scores: pd.DataFrame) -> list[pd.Series]:
        return [scores[level] for level in self.macro]

    @property
    def tokens(self) -> float:
        """Mean visual tokens per question."""
        return float(self.rows["visual_tokens"].mean())

    @cached_property
    def costs(self) -> dict[str, float]:
        """Means over questions and seeds of what a prompt costs by formula; empty where the cell's files do not say."""
        stated = [summary.get("costs") or {} for summary in self.summaries.values()]
        names = [name for name in (stated[0] if stated else {}) if all(name in costs for costs in stated)]
        return {name: sum(float(costs[name]) for costs in stated) / len(stated) for name in names}

    @property
    def seconds(self) -> float:
        """Mean seconds per question in the runs that answered."""
        return float(self.rows["seconds"].mean())

    @property
    def unparsable(self) -> int:
        """Answers that could not be parsed; they count as wrong."""
        return int(self.rows["parsed"].isna().sum())

    @property
    def short(self) -> str:
        """What is missing of the benchmark, in words; empty when nothing is."""
        told = [_short(summary) for summary in self.summaries.values()]
        return next((text for text in told if text), "")

    @property
    def lmms(self) -> float | None:
        """lmms-eval's own score, a share of 1, averaged over seeds; None where it states none."""
        stated = [summary.get("lmms_accuracy") for summary in self.summaries.values()]
        found = [float(value) for value in stated if isinstance(value, int | float)]
        return sum(found) / len(found) if found and len(found) == len(stated) else None

    @property
    def differing(self) -> pd.DataFrame:
        """Rows whose score is another than lmms-eval's."""
        return self.rows[self.rows["lmms_score"].notna() & (self.rows["lmms_score"] != self.rows["score"])]

    def of(self, by: str, name: str) -> "Cell | None":
        """The same cell restricted to one group of its questions, `by` "type" or "part"; None when it has no such question."""
        rows = self.rows[self.rows[by] == name]
        macro = tuple(level for level in self.macro if level != by and by != "type")
        return None if rows.empty else Cell(self.key, self.resamples, rows, self.files, macro=macro)

    def against(self, other: "Cell") -> statistics.Difference:
        """Paired difference in accuracy, self − other, on the questions both answered.

        Raises ValueError when they share none.
        """
        both = self.scores.join(other.scores["score"].rename("other"), how="inner")
        if both.empty:
            raise ValueError(f"{self.key} and {other.key} share no question")
        return statistics.paired_difference(
            both["score"], both["other"], both["cluster"], levels=self._levels(both), resamples=self.resamples
        )

    def above_chance(self) -> statistics.Difference | None:
        """Accuracy minus each question's own chance; None when a question is open."""
        scores = self.scores
        if scores["chance"].isna().any():
            return None
        return statistics.paired_difference(
            scores["score"], scores["chance"], scores["cluster"], levels=self._levels(scores), resamples=self.resamples
        )


class Results:
    """Everything the report reads about cells; files only."""

    def __init__(self, study: Study, layout: Layout, say: Callable[[str], None] = lambda message: None) -> None:
        self.study = study
        self.layout = layout
        self.problems: list[Problem] = []
        self.cells: dict[CellKey, Cell] = {}
        self.runs: dict[tuple[Row, int], RunFile] = {}
        for (variant, sampling), benchmarks in study.evaluations().items():
            self._read_runs((variant, sampling))
            for benchmark in benchmarks:
                key = CellKey(variant, sampling, benchmark)
                self.cells[key] = self._read(key)
        present = sum(cell.missing is None for cell in self.cells.values())
        say(f"{present} of {len(self.cells)} cells have questions, {len(self.problems)} problem(s)")

    @property
    def benchmarks(self) -> list[str]:
        """Benchmarks of the study in the order of its file."""
        return list(dict.fromkeys(key.benchmark for key in self.cells))

    def cell(self, variant: str, sampling: str, benchmark: str) -> Cell | None:
        """The cell, present or missing; None when the study does not ask for it."""
        return self.cells.get(CellKey(variant, sampling, benchmark))

    def _read_runs(self, row: Row) -> None:
        for seed in self.study.seeds:
            path = self.layout.cell(*row, seed) / "cells.json"
            if path.is_file():
                self.runs[row, seed], problems = read_run(path, f"{' / '.join(row)}, seed {seed}")
                self.problems += problems

    def _read(self, key: CellKey) -> Cell:
        benchmark = load_benchmarks()[key.benchmark]
        cell = Cell(key, self.study.bootstrap, pd.DataFrame(), macro=tuple(benchmark.macro))
        frames, absent, unjudged = [], [], []
        for seed in self.study.seeds:
            folder = self.layout.cell(key.variant, key.sampling, seed)
            path = folder / f"{key.benchmark}.jsonl"
            if not path.is_file():
                absent.append(seed)
                continue
            place = f"{key}, seed {seed}"
            rows, problems = read_cell_file(path, key.benchmark, place)
            summary, more = self._summary(rows, key, seed, place)
            self.problems += problems + more
            if rows and benchmark.judge_protocol:
                judged = self._judged(rows, key, seed, benchmark.judge_protocol)
                if judged is None:
                    unjudged.append(seed)
                    continue
                rows, failed = judged
                cell.failed += failed
            if rows:
                frames.append(pd.DataFrame(rows).assign(seed=seed))
                cell.files[seed], cell.summaries[seed] = path, summary
        if not frames:
            cell.missing = _why(absent, unjudged)
            self.problems.append(Problem(str(key), None, cell.missing))
            return cell
        if absent or unjudged:
            lacking = ", ".join(map(str, sorted(absent + unjudged)))
            self.problems.append(
                Problem(str(key), None, f"seed {lacking} not {'judged' if unjudged else 'run'}; the cell rests on the others")
            )
        cell.rows = pd.concat(frames, ignore_index=True)
        if len({len(frame) for frame in frames}) > 1:
            counts = ", ".join(f"{len(frame)}" for frame in frames)
            self.problems.append(Problem(str(key), None, f"seeds answered different numbers of questions: {counts}"))
        return cell

    def _judged(
        self, rows: list[dict[str, Any]], key: CellKey, seed: int, protocol: str
    ) -> tuple[list[dict[str, Any]], int] | None:
        """Rows with their judge's scores and the number of failures; None where no judge has spoken about these answers."""
        path = self.layout.judged(key.variant, key.sampling, seed)
        place = f"{key}, seed {seed}"
        if not path.is_file():
            return None
        content, problems = read_json(path, place)
        self.problems += problems
        if problems:
            return None
        try:
            judge, verdicts = content["judge"], content["benchmarks"][key.benchmark]
            return with_verdicts(rows, protocol, judge["model"], verdicts) if judge else None
        except (AttributeError, KeyError, TypeError) as error:
            self.problems.append(Problem(place, path, f"is no file of verdicts ({type(error).__name__}: {error}); judge again"))
            return None
        except StaleVerdicts as error:
            self.problems.append(Problem(place, path, str(error)))
            return None

    def _summary(self, rows: list[dict[str, Any]], key: CellKey, seed: int, place: str) -> tuple[dict[str, Any], list[Problem]]:
        """What cells.json says of the benchmark, and what is wrong with that."""
        run, path = self.runs.get((key.row, seed)), self.layout.cell(key.variant, key.sampling, seed) / "cells.json"
        if run is None:
            return {}, [Problem(place, path, "cells.json is missing; the cell is computed from its questions")]
        found = run.benchmarks.get(key.benchmark)
        if found is None:
            return {}, [Problem(place, path, f"says nothing about {key.benchmark}, although its questions are there")]
        sound, problems = sound_summary(found, path, place)
        return sound, problems + (check_summary(rows, sound, path, place, load_benchmarks()[key.benchmark]) if rows else [])


def _why(absent: list[int], unjudged: list[int]) -> str:
    """Why a cell has no number."""
    if unjudged:
        return f"not judged (no verdicts for seed {', '.join(map(str, unjudged))})"
    return f"not run (no questions of seed {', '.join(map(str, absent))})" if absent else "its files hold no usable question"


def _short(summary: Mapping[str, Any]) -> str:
    coverage = summary.get("coverage") or {}
    if coverage.get("partial") and coverage.get("expected_questions"):
        return f"partial: {coverage['found_questions']} of {coverage['expected_questions']} questions"
    lost = summary.get("missing_questions") or 0
    return f"partial: {summary['n']} of {summary['n'] + lost} questions" if lost and "n" in summary else ""
