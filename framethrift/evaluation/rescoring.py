"""Scoring a finished cell again from its per-question files: no model, no video, no lmms-eval."""

import json
from pathlib import Path
from typing import Any

from framethrift.config.benchmarks import load_benchmarks
from framethrift.evaluation.cells import read_rows, rescored, run_facts, summarise, write_rows
from framethrift.files import write_json


class NotEvaluated(FileNotFoundError):
    """A cell that has not been evaluated yet."""


def rescore(folder: Path, resamples: int) -> list[str]:
    """Parse and score every raw answer of the cell in `folder` again; what changed is written, and named in the answer.

    What only the run knew (missing videos, lmms-eval's aggregates, digests, times) is kept from cells.json. Scoring with
    unchanged code changes no byte. Raises NotEvaluated when the cell has no files, and KeyError for a benchmark that is not
    registered.
    """
    summary = folder / "cells.json"
    if not summary.is_file():
        raise NotEvaluated(f"{summary} does not exist: evaluate the cell first")
    content: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    registry, changed = load_benchmarks(), []
    figures = {}
    for name, found in content["benchmarks"].items():
        path, benchmark = folder / f"{name}.jsonl", registry[name]
        rows = read_rows(path)
        again = [rescored(row, benchmark) for row in rows]
        figures[name] = summarise(again, benchmark, run_facts(found), resamples)
        if again != rows:
            write_rows(path, again)
        if again != rows or figures[name] != found:
            changed.append(name)
    if changed:
        write_json(summary, content | {"benchmarks": figures})
    return changed
