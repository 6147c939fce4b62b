"""Evaluating a variant under a sampling on its benchmarks: one set of cells, through lmms-eval's own loop."""

import shutil
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from framethrift import tracking
from framethrift.codec.index import file_digest
from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.evaluation.answering import Answerer
from framethrift.evaluation.cells import RunFacts, question_row, summarise, whole_documents, write_json, write_rows
from framethrift.evaluation.lmms_loop import offline, run_tasks, write_task
from framethrift.evaluation.lmms_scores import aggregate, question_score
from framethrift.evaluation.loading import kept_scoring, load_variant
from framethrift.evaluation.questions import Asked, load_asked
from framethrift.models.folder import MANIFEST
from framethrift.progress import Progress


def evaluate_cells(study: Study, layout: Layout, variant: str, sampling: str, seed: int) -> None:
    """Write <benchmark>.jsonl per benchmark of the (variant, sampling) and, last, cells.json, into layout.cell(…).

    All benchmarks are asked in one go, so that questions of several benchmarks about one video share its reading. Raises
    KeyError for a pair that the study does not evaluate, ModelFolderError, NoQuestions, VideoRejected or SelectionError when
    something the cell needs is missing or bad.
    """
    evaluations = study.evaluations()
    if (variant, sampling) not in evaluations:
        raise KeyError(f"study {study.name!r} evaluates no {variant!r} under {sampling!r}; its cells: {sorted(evaluations)}")
    benchmarks = {name: load_asked(study, layout, name) for name in evaluations[variant, sampling]}
    loaded = load_variant(study, layout, variant, seed)
    settings = study.samplings[sampling]
    scoring = kept_scoring(layout, settings.candidate_fps) if study.needs_clip(sampling) else None  # type: ignore[union-attr]
    digests = dict(loaded.digests)
    if scoring is not None:
        digests["clip"] = file_digest(layout.clip / MANIFEST)
    for asked in benchmarks.values():
        digests |= asked.digests
    folder = layout.cell(variant, sampling, seed)
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(len(asked.present) for asked in benchmarks.values())
    params = {"sampling": settings.model_dump(mode="json"), "benchmarks": list(benchmarks), "digests": digests}
    with (
        tracking.stage_run(
            layout, study, stage="evaluate", name=f"{variant}/{sampling}", seed=seed, params=params, push=False
        ) as run,
        Progress(f"evaluate {variant}/{sampling} seed{seed}", total, "questions") as progress,
    ):
        answerer = loaded.answerer(settings, scoring)
        figures = _evaluate(folder, benchmarks, answerer, progress, study.bootstrap)
        content = {
            "variant": variant,
            "sampling": sampling,
            "seed": seed,
            "benchmarks": figures,
            "digests": digests,
            "seconds": {stage: round(seconds, 3) for stage, seconds in answerer.watch.seconds.items()},
            "lmms_eval": version("lmms-eval"),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_json(folder / "cells.json", content)
        for name, found in figures.items():
            numbers = {key: value for key, value in found.items() if isinstance(value, int | float)}
            run.log_metrics({f"{name}.{key}": float(value) for key, value in numbers.items()})
            run.log_artifact(folder / f"{name}.jsonl")
        run.log_artifact(folder / "cells.json")


def _evaluate(
    folder: Path, benchmarks: dict[str, Asked], answerer: Answerer, progress: Progress, resamples: int
) -> dict[str, dict[str, Any]]:
    # By path: video ids are unique within a dataset only.
    videos = {
        video.path.resolve(): (video, asked.donors.get(video.video_id))
        for asked in benchmarks.values()
        for video in asked.videos.values()
    }
    for leftover in folder.glob(".lmms-*"):  # of a run that was killed
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".lmms-") as scratch, offline(Path(scratch)):
        # lmms-eval reads its environment when it is imported.
        from framethrift.evaluation.lmms_model import FramethriftModel

        tasks = Path(scratch) / "tasks"
        for name, asked in benchmarks.items():
            write_task(tasks, name, asked.present, asked.videos)
        model = FramethriftModel(answerer, videos.__getitem__, progress.update)
        results = run_tasks(model, list(benchmarks), tasks)
    registry = load_benchmarks()
    figures = {}
    for name, asked in benchmarks.items():
        benchmark = registry[name]
        theirs = {sample["doc_id"]: question_score(sample, benchmark.lmms_metrics) for sample in results["samples"][name]}
        rows = whole_documents(
            [
                question_row(question, model.answers[name, number], benchmark, theirs[number])
                for number, question in enumerate(asked.present)
            ]
        )
        write_rows(folder / f"{name}.jsonl", rows)
        stated = aggregate(results["results"][name], benchmark.lmms_metrics)
        run = RunFacts(asked.missing, asked.missing_questions, {} if stated is None else {name: stated}, asked.coverage)
        figures[name] = summarise(rows, benchmark, run, resamples)
        if figures[name]["agrees"] is False:
            said, ours = figures[name]["lmms_accuracy"], figures[name]["accuracy"]
            progress.say(f"{name}: lmms-eval's score {said:.4f} differs from ours {ours:.4f}; the report states both")
    return figures
