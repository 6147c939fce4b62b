"""Reading the per-question outputs of a cell, and saying what is wrong with them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from framethrift.config.benchmarks import Benchmark, load_benchmarks
from framethrift.evaluation.figures import levels
from framethrift.evaluation.statistics import accuracy

# Columns the report uses, with the type a value must have.
_COLUMNS: dict[str, tuple[type, ...]] = {
    "question_id": (str,),
    "video_id": (str,),
    "cluster": (str,),
    "benchmark": (str,),
    "part": (str,),
    "type": (str,),
    "question": (str,),
    "options": (list,),
    "answer": (str,),
    "raw": (str,),
    "parsed": (str, type(None)),
    "score": (int, float, type(None)),
    "lmms_score": (int, float, type(None)),
    "metrics": (dict,),
    "shown": (list,),
    "visual_tokens": (int,),
    "queries": (list, type(None)),
    "seconds": (int, float),
}
_UNUSED = ("prompt", "query_text", "costs")  # the longest: they stay in the file
# Fields of a benchmark in cells.json that the report reads beside its figures.
_SUMMARY: dict[str, type] = {"coverage": dict, "missing_questions": int, "missing_reasons": dict}
AGREEMENT = 1e-6
Shown = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Problem:
    """Something wrong with the results: where it was found, in which file, and what it is."""

    place: str
    file: Path | None
    what: str


def read_cell_file(path: Path, benchmark: str, place: str) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows of `<benchmark>.jsonl` and what is wrong with it; an unusable line is left out and reported, never repaired.

    Prompts stay in the file; `shown` becomes pairs (seconds, kind), one object for all rows shown the same.
    A file that cannot be read as text gives no rows. `place` names the cell in the problems.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        return [], [Problem(place, path, f"not UTF-8 text ({error.reason} at byte {error.start})")]
    rows: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(Problem(place, path, f"line {number} of {len(lines)} is no JSON ({error.msg}): left out"))
            continue
        complaint = _complaint(row, benchmark)
        if complaint is None and row["question_id"] in rows:
            complaint = f"question {row['question_id']!r} appears twice"
        if complaint:
            problems.append(Problem(place, path, f"line {number}: {complaint}: left out"))
            continue
        rows[row["question_id"]] = {name: row[name] for name in row if name not in _UNUSED} | {"shown": _shown(row["shown"])}
    if not rows:
        problems.append(Problem(place, path, "holds no usable question"))
    return list(rows.values()), problems


def sound_summary(summary: Mapping[str, Any], path: Path, place: str) -> tuple[dict[str, Any], list[Problem]]:
    """What `cells.json` says about a benchmark without fields of a wrong type, and those."""
    kept, problems = dict(summary), []
    for name, kind in _SUMMARY.items():
        if not isinstance(kept.get(name), kind | None):
            problems.append(Problem(place, path, f"{name} is {kept.pop(name)!r}, expected {kind.__name__}: left out"))
    coverage = kept.get("coverage") or {}
    wrong = {name: count for name, count in coverage.items() if not isinstance(count, int | None)}
    if wrong:
        del kept["coverage"]
        problems.append(Problem(place, path, f"coverage holds {wrong}, expected whole numbers: left out"))
    return kept, problems


def check_summary(
    rows: list[dict[str, Any]], summary: Mapping[str, Any], path: Path, place: str, benchmark: Benchmark
) -> list[Problem]:
    """What `cells.json` says about a benchmark, against its questions and against lmms-eval's aggregate."""
    problems = []
    facts = {"n": len(rows)} if benchmark.scoring == "judge" else _figures(rows, benchmark)
    for name, ours in facts.items():
        stated = summary.get(name)
        if not isinstance(stated, int | float) or isinstance(stated, bool):
            problems.append(Problem(place, path, f"{name} is {stated!r}, expected a number"))
        elif abs(stated - ours) > AGREEMENT:
            problems.append(Problem(place, path, f"says {name} {stated:g}, its questions give {ours:g}; the questions are used"))
    if summary.get("agrees") is False:
        problems.append(
            Problem(
                place,
                path,
                f"lmms-eval's own aggregate is {summary.get('lmms_accuracy')!r}; ours counts unparsable answers as wrong",
            )
        )
    if summary.get("missing_questions"):
        reasons = ", ".join(sorted(set(map(str, (summary.get("missing_reasons") or {}).values())))) or "no reason given"
        problems.append(
            Problem(
                place, path, f"{summary['missing_questions']} questions could not be asked: their videos are missing ({reasons})"
            )
        )
    return problems


def _figures(rows: list[dict[str, Any]], benchmark: Benchmark) -> dict[str, float]:
    scores, clusters = [row["score"] for row in rows], [row["cluster"] for row in rows]
    found = accuracy(scores, clusters, levels=levels(rows, benchmark.macro), resamples=1)
    return {"n": len(rows), "correct": sum(scores), "accuracy": found.value}


def read_json(path: Path, place: str) -> tuple[Any, list[Problem]]:
    """A JSON file's content, or None with the problem."""
    try:
        return json.loads(path.read_text(encoding="utf-8")), []
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        return None, [Problem(place, path, f"cannot be read as JSON ({error})")]


def read_columns(path: Path, columns: list[str], place: str) -> tuple[pd.DataFrame | None, list[Problem]]:
    """Columns of a parquet table, or None with the problem."""
    if not path.is_file():
        return None, [Problem(place, path, "not run: no table")]
    try:
        return pd.read_parquet(path, columns=columns), []
    except (OSError, ValueError, KeyError) as error:
        return None, [Problem(place, path, f"cannot be read as a table ({error})")]


def key_frames(shown: Shown) -> list[float]:
    """Seconds of the frames shown whole, in order; fused P-frames, given as Δ-tokens, are left out."""
    return [time for time, kind in shown if kind == "I"]


def _shown(items: list[dict[str, Any]]) -> Shown:
    return _same(tuple((float(item["time"]), str(item["kind"])) for item in items))


@lru_cache(maxsize=100_000)
def _same(shown: Shown) -> Shown:
    """The one object for what is shown alike: hundreds of cells show the same frames of a video."""
    return shown


def _complaint(row: Any, benchmark: str) -> str | None:
    if not isinstance(row, dict):
        return f"is a {type(row).__name__}, expected an object"
    for column, kinds in _COLUMNS.items():
        if column not in row:
            return f"{column} is missing"
        if not isinstance(row[column], kinds) or isinstance(row[column], bool):
            return f"{column} is {row[column]!r}, expected {' or '.join(kind.__name__ for kind in kinds)}"
    if row["benchmark"] != benchmark:
        return f"benchmark is {row['benchmark']!r}, expected {benchmark!r}"
    judged = load_benchmarks()[benchmark].scoring == "judge"
    if (row["score"] is None and not judged) or (row["score"] is not None and not 0 <= row["score"] <= 1):
        return f"score is {row['score']!r}, expected 0 to 1{' or null, for the judge' if judged else ''}"
    if row["parsed"] is None and row["score"]:
        return "an unparsable answer has a score above 0"
    if not all(isinstance(item, dict) and {"time", "kind"} <= item.keys() for item in row["shown"]):
        return "shown must be a list of {time, kind}"
    return None
