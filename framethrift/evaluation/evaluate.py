"""Evaluating a variant under a sampling on its benchmarks: questions are answered in shards, then scored together."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.sampling import Replay
from framethrift.evaluation.cells import RunFacts, question_row, summarise, whole_documents, write_rows
from framethrift.evaluation.lmms_scores import aggregate, question_score
from framethrift.evaluation.lmms_tasks import Prompted, offline, open_tasks, prompts, run_tasks, write_tasks
from framethrift.evaluation.loading import Opened, load_answering
from framethrift.evaluation.posing import Posed, posed, require_told_apart
from framethrift.evaluation.questions import Asked, load_asked
from framethrift.evaluation.shards import Answers, Cell, answer_shard, collected
from framethrift.files import write_json
from framethrift.progress import say

Figures = dict[str, dict[str, Any]]  # of a cell: benchmark → its entry in cells.json


class _Tasks:
    """A cell's questions as lmms-eval's tasks: written below `folder`, and opened once, when they are first needed."""

    def __init__(self, folder: Path, benchmarks: Mapping[str, Asked]) -> None:
        self.folder = folder
        self.documents = {name: write_tasks(folder, name, asked.present, asked.videos) for name, asked in benchmarks.items()}

    @cached_property
    def opened(self) -> dict[str, Any]:
        """lmms-eval's task objects by name."""
        return open_tasks(self.folder, sorted({document.task for found in self.documents.values() for document in found}))

    @cached_property
    def prompts(self) -> dict[str, dict[str, Prompted]]:
        """What the tasks' own code makes of the questions: benchmark → question id → prompt."""
        return {name: prompts(self.opened, found) for name, found in self.documents.items()}


def answer_cells(study: Study, layout: Layout, variant: str, sampling: str, seed: int, shard: int, shards: int) -> None:
    """Answer shard `shard` of `shards` of a cell's questions; a killed one goes on where it stopped. Errors as `evaluate_cells`.

    Raises ValueError for a shard that is not among them.
    """
    if not 0 <= shard < shards:
        raise ValueError(f"shard {shard} of {shards}: allowed: 0 to {shards - 1}")
    cell = Cell(study, layout, variant, sampling, seed, shards)
    with examination(cell, f"{shard}-of-{shards}") as exam:
        opened = load_answering(study, layout, variant, sampling, seed)
        answer_shard(cell, shard, exam.posed(cell), opened)


def evaluate_cells(study: Study, layout: Layout, variant: str, sampling: str, seeds: Sequence[int], shards: int = 1) -> None:
    """Per seed, write <benchmark>.jsonl for each benchmark of the (variant, sampling) and, last, cells.json: into layout.cell(…).

    With one shard, questions are answered here; with more, `answer_cells` must have answered them. Raw answers are then run
    through lmms-eval's own task code and through ours, and both scores are kept.

    Raises KeyError for a pair that the study does not evaluate, ShardsMissing, ModelFolderError, NoQuestions, VideoRejected,
    VideoChanged or SelectionError when something the cell needs is missing or bad.
    """
    cells = [Cell(study, layout, variant, sampling, seed, shards) for seed in seeds]
    with examination(cells[0]) as exam:
        settings = study.samplings[sampling].model_dump(mode="json")
        params = {"sampling": settings, "benchmarks": list(exam.benchmarks), "shards": shards}
        name = f"{variant}/{sampling}"
        for cell in cells:
            with tracking.stage_run(layout, study, stage="evaluate", name=name, seed=cell.seed, params=params) as run:
                run.log_metrics(metrics(exam.take(cell, partial(load_answering, study, layout, variant, sampling, cell.seed))))
                for benchmark in exam.benchmarks:
                    run.log_artifact(cell.folder / f"{benchmark}.jsonl")
                run.log_artifact(cell.folder / "cells.json")


@dataclass(frozen=True)
class Examination:
    """Questions and their tasks, read once for all cells that ask one variant the same: its seeds, and samplings of one table."""

    benchmarks: Mapping[str, Asked]
    tasks: _Tasks

    def take(self, cell: Cell, opened: Callable[[], Opened]) -> Figures:
        """Answer, score and write a cell; its figures. `opened` gives what answers; a cell in shards must be answered already.

        Errors as `evaluate_cells`.
        """
        if cell.shards == 1:
            answer_shard(cell, 0, self.posed(cell), opened())
        return _write_figures(cell, self.benchmarks, self.tasks)

    def posed(self, cell: Cell) -> list[Posed]:
        """All questions of the cell with their tasks' prompts."""
        sampling = cell.study.samplings[cell.sampling]
        questions = [
            own for name, asked in self.benchmarks.items() for own in posed(name, asked, sampling, self.tasks.prompts[name])
        ]
        if isinstance(sampling, Replay):
            require_told_apart(questions)
        return questions


@contextmanager
def examination(cell: Cell, job: str = "scoring") -> Iterator[Examination]:
    """The examination of a cell and its like, the tasks in a folder that goes with `job`; errors as `evaluate_cells`.

    lmms-eval may be imported within.
    """
    benchmarks = {name: load_asked(cell.study, cell.layout, name) for name in _benchmarks(cell)}
    cell.folder.mkdir(parents=True, exist_ok=True)
    for leftover in cell.folder.glob(f".lmms-{job}-*"):  # of the same job, killed; other shards may be at work
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=cell.folder, prefix=f".lmms-{job}-") as scratch, offline(Path(scratch)):
        yield Examination(benchmarks, _Tasks(Path(scratch) / "tasks", benchmarks))


def metrics(figures: Figures) -> dict[str, float]:
    """The figures that are numbers, as <benchmark>.<name>."""
    return {
        f"{benchmark}.{key}": float(value)
        for benchmark, found in figures.items()
        for key, value in found.items()
        if isinstance(value, int | float)
    }


def _write_figures(cell: Cell, benchmarks: Mapping[str, Asked], tasks: _Tasks) -> Figures:
    """Score a cell's answers and write its files, cells.json last."""
    answers, digests, seconds = collected(cell)
    for asked in benchmarks.values():
        digests |= asked.digests
    theirs = _replayed(answers, tasks)
    figures = {name: _scored(cell, name, asked, answers, theirs[name]) for name, asked in benchmarks.items()}
    content = {
        "variant": cell.variant,
        "sampling": cell.sampling,
        "seed": cell.seed,
        "benchmarks": figures,
        "digests": digests,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "lmms_eval": version("lmms-eval"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(cell.folder / "cells.json", content)
    return figures


def _benchmarks(cell: Cell) -> list[str]:
    evaluations = cell.study.evaluations()
    if (cell.variant, cell.sampling) not in evaluations:
        raise KeyError(
            f"study {cell.study.name!r} evaluates no {cell.variant!r} under {cell.sampling!r}; its cells: {sorted(evaluations)}"
        )
    return evaluations[cell.variant, cell.sampling]


@dataclass
class _Theirs:
    """What lmms-eval's own task code makes of a benchmark: share of 1 per task, score per question id; judged ones have none."""

    tasks: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)


def _replayed(answers: Answers, tasks: _Tasks) -> dict[str, _Theirs]:
    """The raw answers run through lmms-eval's task code, by benchmark.

    Benchmarks with a judge are left out: that code would call it, from inside, one question at a time.
    """
    # lmms-eval reads its environment when it is imported.
    from framethrift.evaluation.replay import Replay

    registry = load_benchmarks()
    found = {name: _Theirs() for name in tasks.documents}
    asked = {name: own for name, own in tasks.documents.items() if registry[name].scoring != "judge"}
    raws = {
        (document.task, document.number): [answers[name, question.question_id].raw for question in document.questions]
        for name, own in asked.items()
        for document in own
    }
    if not raws:
        return found
    wanted = {task: tasks.opened[task] for task in sorted({task for task, _ in raws})}
    results = run_tasks(Replay(raws), wanted, tasks.folder / "written")
    for name, own in asked.items():
        metrics = registry[name].lmms_metrics
        samples = {task: {sample["doc_id"]: sample for sample in results["samples"][task]} for task in results["samples"]}
        for document in own:
            if len(document.questions) == 1:  # a document of several rounds has one score for all
                (question,) = document.questions
                found[name].scores[question.question_id] = question_score(samples[document.task][document.number], metrics)
        for task in {document.task for document in own}:
            stated = aggregate(results["results"][task], metrics)
            if stated is not None:
                found[name].tasks[task] = stated
    return found


def _scored(cell: Cell, name: str, asked: Asked, answers: Answers, theirs: _Theirs) -> dict[str, Any]:
    """Write a benchmark's rows; its figures."""
    benchmark = load_benchmarks()[name]
    rows = whole_documents(
        [
            question_row(question, answers[name, question.question_id], benchmark, theirs.scores.get(question.question_id))
            for question in asked.present
        ]
    )
    write_rows(cell.folder / f"{name}.jsonl", rows)
    run = RunFacts(asked.missing, asked.missing_questions, theirs.tasks, asked.coverage)
    figures = summarise(rows, benchmark, run, cell.study.bootstrap)
    if figures["agrees"] is False:
        said, own = figures["lmms_accuracy"], figures["accuracy"]
        say(f"[evaluate {cell}] {name}: lmms-eval's score {said:.4f} differs from ours {own:.4f}; the report states both")
    return figures
