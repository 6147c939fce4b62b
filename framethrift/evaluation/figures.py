"""Figures of scored rows: the benchmark's own average, its parts and types, and every other metric of its questions."""

from collections.abc import Mapping, Sequence
from typing import Any

from framethrift.config.benchmarks import Benchmark
from framethrift.evaluation.statistics import Estimate, accuracy, chance
from framethrift.evaluation.text_metrics import caption_metrics

Row = Mapping[str, Any]


def levels(rows: Sequence[Row], macro: Sequence[str]) -> list[list[str]]:
    """Group names of the rows per level of a macro average, outermost first; none for the mean over questions."""
    return [[row[level] for row in rows] for level in macro]


def summarise_scores(rows: Sequence[Row], benchmark: Benchmark, resamples: int) -> dict[str, Any]:
    """Accuracy by the benchmark's own average with its interval, whole and per part and type, and the means of other metrics."""
    figures = {
        "correct": sum(row["score"] for row in rows),
        **_estimate(accuracy(*_scores(rows), levels=levels(rows, benchmark.macro), resamples=resamples)),
    }
    names = sorted({name for row in rows for name in row["metrics"]})
    metrics: dict[str, float | None] = {}
    for name in names:
        values = [row["metrics"][name] for row in rows if name in row["metrics"]]
        metrics[name] = sum(values) / len(values)
    if benchmark.scoring == "captions":
        accepted = {row["question_id"]: list(row["answers"]) or [row["answer"]] for row in rows}
        metrics |= caption_metrics({row["question_id"]: row["raw"] for row in rows}, accepted)
    return {
        **figures,
        "metrics": metrics,
        "by_part": _breakdown(rows, "part", [level for level in benchmark.macro if level != "part"], resamples),
        "by_type": _breakdown(rows, "type", [], resamples),
    }


def _breakdown(rows: Sequence[Row], by: str, macro: Sequence[str], resamples: int) -> dict[str, Any]:
    found = {}
    for name in sorted({row[by] for row in rows} - {""}):
        own = [row for row in rows if row[by] == name]
        guessable = all(row["options"] for row in own)
        found[name] = {
            **_estimate(accuracy(*_scores(own), levels=levels(own, macro), resamples=resamples)),
            "chance": chance([row["options"] for row in own]) if guessable else None,
        }
    return found


def _scores(rows: Sequence[Row]) -> tuple[list[float], list[str]]:
    return [row["score"] for row in rows], [row["cluster"] for row in rows]


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"accuracy": found.value, "low": found.low, "high": found.high, "n": found.n, "videos": found.clusters}
