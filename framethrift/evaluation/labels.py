"""What a question needs, read from controls: the video at all, or the order of its frames (after VBenchComp's categories).

A label says something about these models and runs, not about the question alone; chance makes some answers right, so the
number of labels that guessing would give stands beside every count. With few runs that number is large.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from framethrift.config import Layout, Study
from framethrift.config.controls import Controls, Pair, controls_of
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.rescoring import NotEvaluated
from framethrift.files import write_json

Label = Literal["without video", "without order", "needs order", "other"]
LABELS: tuple[Label, ...] = ("without video", "without order", "needs order", "other")


def label(blind: Iterable[float], shuffled: Iterable[float], normal: Iterable[float]) -> Label:
    """The label of one question from its scores (1: right) in the runs of each control.

    "without video": right in every blind run. Otherwise, right in every normal run: "without order" when right in every
    shuffled run too, "needs order" when not. Everything else is "other". Raises ValueError for a control without a run.
    """
    runs = {"blind": list(blind), "shuffled": list(shuffled), "normal": list(normal)}
    for name, scores in runs.items():
        if not scores:
            raise ValueError(f"{name}: a label needs at least one run of every control")
    if all(score == 1 for score in runs["blind"]):
        return "without video"
    if not all(score == 1 for score in runs["normal"]):
        return "other"
    return "without order" if all(score == 1 for score in runs["shuffled"]) else "needs order"


def write_labels(study: Study, layout: Layout, variant: str) -> None:
    """Write layout.labels(variant): per benchmark the label of every question that all runs answered, counts, and the runs.

    Raises KeyError when the study does not ask the variant with all controls, and NotEvaluated when a cell is missing.
    """
    controls = controls_of(study, variant)
    if not controls:
        raise KeyError(f"variant {variant!r} is not asked blind, shuffled and in order on any benchmark of study {study.name!r}")
    write_json(layout.labels(variant), {name: _benchmark(study, layout, name, own) for name, own in controls.items()})


def _benchmark(study: Study, layout: Layout, benchmark: str, controls: Controls) -> dict[str, Any]:
    runs = {
        kind: [rows for pair in pairs for rows in _runs(study, layout, benchmark, pair)]
        for kind, pairs in (("blind", controls.blind), ("shuffled", controls.shuffled), ("normal", controls.normal))
    }
    common = sorted(set.intersection(*(set(run) for found in runs.values() for run in found)))
    labels = {question: label(*([run[question]["score"] for run in runs[kind]] for kind in runs)) for question in common}
    return {
        "counts": count(labels.values()),
        "lucky": _lucky([runs["blind"][0][question]["options"] for question in common], len(runs["blind"])),
        "runs": {kind: len(found) for kind, found in runs.items()},
        "cells": {kind: [list(pair) for pair in getattr(controls, kind)] for kind in runs},
        "questions": labels,
    }


def count(labels: Iterable[str]) -> dict[str, int]:
    """Number of questions per label, every label present."""
    counted = Counter(labels)
    return {name: counted[name] for name in LABELS}


def _lucky(options: Sequence[Sequence[str]], runs: int) -> float | None:
    """Questions labelled "without video" if every blind run guessed independently; None where a question has no options."""
    if not all(options):
        return None
    return sum((1 / len(choices)) ** runs for choices in options)


def _runs(study: Study, layout: Layout, benchmark: str, pair: Pair) -> list[dict[str, Mapping[str, Any]]]:
    """Rows by question id, one mapping per seed."""
    found: list[dict[str, Mapping[str, Any]]] = []
    for seed in study.seeds:
        path = layout.cell(*pair, seed) / f"{benchmark}.jsonl"
        if not path.is_file():
            raise NotEvaluated(f"{path} does not exist: evaluate the cell first")
        found.append({row["question_id"]: row for row in read_rows(path)})
    return found
