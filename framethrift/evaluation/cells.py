"""The files of a cell: one line per question, and the summary that tables are made of."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from framethrift.evaluation.answering import Answer
from framethrift.evaluation.parse import parse_answer, right_answer
from framethrift.evaluation.questions import Question
from framethrift.evaluation.statistics import Estimate, accuracy, chance
from framethrift.models.reasoning import parse_queries

Row = dict[str, Any]


def question_row(question: Question, answer: Answer, lettered: bool, lmms_score: float) -> Row:
    """One question's line: what was asked and shown, the raw and the parsed answer (null: unparsable), both scores."""
    parsed = parse_answer(answer.raw, question.options, lettered)
    return {
        "question_id": question.question_id,
        "video_id": question.video_id,
        "benchmark": question.benchmark,
        "type": question.type,
        "question": question.question,
        "options": list(question.options),
        "answer": question.answer,
        "prompt": answer.prompt,
        "raw": answer.raw,
        "parsed": parsed,
        "score": int(parsed == right_answer(question.answer, question.options, lettered)),
        "lmms_score": lmms_score,
        "shown": answer.shown,
        "visual_tokens": answer.visual_tokens,
        "queries": answer.queries,
        "query_text": answer.query_text,
        "seconds": round(answer.seconds, 6),
    }


def summarise(
    rows: Sequence[Row], *, missing: Mapping[str, str], missing_questions: int, lmms_accuracy: float, resamples: int
) -> Row:
    """Figures of a benchmark from its rows; accuracies are in [0, 1].

    Questions of missing videos are not in the accuracy; they are counted, and every table marks the cell. `agrees` says whether
    lmms-eval's aggregate equals ours. `malformed_queries` counts questions whose frames were scored with the bare question
    because the model's text held no well-formed query.
    """
    ours = _accuracy(rows, resamples)
    return {
        "metric": "accuracy",
        "correct": sum(row["score"] for row in rows),
        **ours,
        "unparsable": sum(row["parsed"] is None for row in rows),
        "malformed_queries": sum(bool(row["query_text"]) and not parse_queries(row["query_text"]) for row in rows),
        "chance": chance([row["options"] for row in rows]),
        "visual_tokens_mean": sum(row["visual_tokens"] for row in rows) / len(rows),
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "lmms_accuracy": lmms_accuracy,
        "agrees": abs(lmms_accuracy - ours["accuracy"]) < 1e-9,
        "missing_videos": len(missing),
        "missing_questions": missing_questions,
        "missing_reasons": dict(sorted(missing.items())),
        "by_type": {kind: _of_type(rows, kind, resamples) for kind in sorted({row["type"] for row in rows})},
    }


def _of_type(rows: Sequence[Row], kind: str, resamples: int) -> Row:
    own = [row for row in rows if row["type"] == kind]
    return {**_accuracy(own, resamples), "chance": chance([row["options"] for row in own])}


def _accuracy(rows: Sequence[Row], resamples: int) -> Row:
    estimate: Estimate = accuracy([row["score"] for row in rows], [row["video_id"] for row in rows], resamples=resamples)
    return {"accuracy": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n, "videos": estimate.clusters}


def read_rows(path: Path) -> list[Row]:
    """Rows of a benchmark's .jsonl; FileNotFoundError when the cell has not been evaluated."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write JSON lines atomically."""
    _replace(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically."""
    _replace(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
