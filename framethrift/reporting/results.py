"""The cells of a study as they lie in its results folder, with every gap and contradiction on record."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from framethrift.config import Layout, Study
from framethrift.evaluation import statistics
from framethrift.reporting.cell_file import Problem, check_summary, read_cell_file, read_json


@dataclass(frozen=True, order=True)
class CellKey:
    """Names of one cell."""

    variant: str
    sampling: str
    benchmark: str

    def __str__(self) -> str:
        return f"{self.variant} / {self.sampling} / {self.benchmark}"

    @property
    def slug(self) -> str:
        """File name of the cell's question page, without ending."""
        return f"{self.variant}__{self.sampling}__{self.benchmark}"


@dataclass
class Cell:
    """One cell over all seeds: its questions, or why there are none.

    `rows` holds one line per question and seed; a number is the mean over questions of the mean over seeds.
    """

    key: CellKey
    resamples: int
    rows: pd.DataFrame
    files: dict[int, Path] = field(default_factory=dict)
    missing: str | None = None

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Per question (index question_id, sorted): video_id, score averaged over seeds, chance (1 / options; NaN if open)."""
        chances = self.rows["options"].map(lambda options: 1 / len(options) if options else float("nan"))
        grouped = self.rows.assign(chance=chances).groupby("question_id", sort=True)
        return grouped.agg(video_id=("video_id", "first"), score=("score", "mean"), chance=("chance", "first"))

    @cached_property
    def accuracy(self) -> statistics.Estimate:
        """Accuracy, a share of 1, with the 95 % bootstrap interval over videos."""
        return statistics.accuracy(self.scores["score"], self.scores["video_id"], resamples=self.resamples)

    @property
    def tokens(self) -> float:
        """Mean visual tokens per question."""
        return float(self.rows["visual_tokens"].mean())

    @property
    def unparsable(self) -> int:
        """Answers that could not be parsed; they count as wrong."""
        return int(self.rows["parsed"].isna().sum())

    def of_type(self, kind: str) -> "Cell | None":
        """The same cell restricted to one question type; None when it has no such question."""
        rows = self.rows[self.rows["type"] == kind]
        return None if rows.empty else Cell(self.key, self.resamples, rows, self.files)

    def against(self, other: "Cell") -> statistics.Difference:
        """Paired difference in accuracy, self − other, on the questions both answered.

        Raises ValueError when they share none.
        """
        both = self.scores.join(other.scores["score"].rename("other"), how="inner")
        if both.empty:
            raise ValueError(f"{self.key} and {other.key} share no question")
        return statistics.paired_difference(both["score"], both["other"], both["video_id"], resamples=self.resamples)

    def above_chance(self) -> statistics.Difference | None:
        """Accuracy minus each question's own chance; None when a question is open."""
        if self.scores["chance"].isna().any():
            return None
        return statistics.paired_difference(
            self.scores["score"], self.scores["chance"], self.scores["video_id"], resamples=self.resamples
        )


class Results:
    """Everything the report reads about cells; files only."""

    def __init__(self, study: Study, layout: Layout, say: Callable[[str], None] = lambda message: None) -> None:
        self.study = study
        self.layout = layout
        self.problems: list[Problem] = []
        self.cells: dict[CellKey, Cell] = {}
        for (variant, sampling), benchmarks in study.evaluations().items():
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

    def _read(self, key: CellKey) -> Cell:
        frames, files, absent = [], {}, []
        for seed in self.study.seeds:
            folder = self.layout.cell(key.variant, key.sampling, seed)
            path = folder / f"{key.benchmark}.jsonl"
            if not path.is_file():
                absent.append(seed)
                continue
            place = f"{key}, seed {seed}"
            rows, problems = read_cell_file(path, key.benchmark, place)
            self.problems += problems + self._summary_problems(rows, folder / "cells.json", key, place)
            if rows:
                frames.append(pd.DataFrame(rows).assign(seed=seed))
                files[seed] = path
        seeds = ", ".join(map(str, absent))
        if not frames:
            reason = f"not run (no questions of seed {seeds})" if absent else "its files hold no usable question"
            self.problems.append(Problem(str(key), None, reason))
            return Cell(key, self.study.bootstrap, pd.DataFrame(), missing=reason)
        if absent:
            self.problems.append(Problem(str(key), None, f"seed {seeds} not run; the cell rests on the others"))
        cell = Cell(key, self.study.bootstrap, pd.concat(frames, ignore_index=True), files)
        if len({len(frame) for frame in frames}) > 1:
            counts = ", ".join(f"{len(frame)}" for frame in frames)
            self.problems.append(Problem(str(key), None, f"seeds answered different numbers of questions: {counts}"))
        return cell

    def _summary_problems(self, rows: list[dict[str, Any]], path: Path, key: CellKey, place: str) -> list[Problem]:
        if not path.is_file():
            return [Problem(place, path, "cells.json is missing; the cell is computed from its questions")]
        summary, problems = read_json(path, place)
        if problems:
            return problems
        benchmarks = summary.get("benchmarks") if isinstance(summary, dict) else None
        if not isinstance(benchmarks, dict) or not isinstance(benchmarks.get(key.benchmark), dict):
            return [Problem(place, path, f"says nothing about {key.benchmark}, although its questions are there")]
        return check_summary(rows, benchmarks[key.benchmark], path, place) if rows else []
