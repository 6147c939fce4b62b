"""The files of a cell: one line per question, and the summary that tables are made of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framethrift.config.benchmarks import Benchmark
from framethrift.evaluation.figures import summarise_scores
from framethrift.evaluation.questions import Question
from framethrift.evaluation.scoring import scored, scored_polls
from framethrift.evaluation.statistics import chance
from framethrift.files import write_text

if TYPE_CHECKING:
    from framethrift.evaluation.answering import Answer

Row = dict[str, Any]
PROACTIVE = "proactive"  # the part of StreamingBench that is polled


@dataclass(frozen=True)
class RunFacts:
    """What a benchmark's rows do not say about the run that made them.

    `missing` gives the reason for every video that could not be shown, and `missing_questions` how many questions that cost;
    `lmms` is the share of 1 that each lmms-eval task states; `coverage` compares what was found with the registry.
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    missing_questions: int = 0
    lmms: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)


def question_row(question: Question, answer: "Answer", benchmark: Benchmark, lmms_score: float | None) -> Row:
    """One question's line: what was asked and shown, the raw and the parsed answer (null: unparsable), both scores.

    `lmms_score` is None where lmms-eval has no score for the question; `score` is None until a judge has spoken.
    `malformed_query`: the frames were scored with the bare question, because the model's text held no well-formed query.
    """
    from framethrift.models.reasoning import parse_queries  # needs torch, which scoring again does without

    facts = {
        "question_id": question.question_id,
        "video_id": question.video_id,
        "cluster": question.asked_about,
        "benchmark": question.benchmark,
        "part": question.part,
        "type": question.type,
        "question": question.question,
        "options": list(question.options),
        "answer": question.answer,
        "letter": question.letter,
        "answers": list(question.answers),
        "document_id": question.document_id or question.question_id,
        "until": question.until,
        "right": float(question.doc["right"]) if question.part == PROACTIVE else None,
    }
    return {
        **facts,
        "prompt": answer.prompt,
        "raw": answer.raw,
        **scored(benchmark, facts, answer.raw),
        "lmms_score": lmms_score,
        "shown": answer.shown,
        "visual_tokens": answer.visual_tokens,
        "queries": answer.queries,
        "query_text": answer.query_text,
        "malformed_query": bool(answer.query_text) and not parse_queries(answer.query_text),
        "seconds": round(answer.seconds, 6),
        "costs": answer.costs,
    }


def whole_documents(rows: Sequence[Row]) -> list[Row]:
    """The rows with the polls of each proactive question made one row, in the place of the first.

    Its `polls` keep time and raw answer of every poll; tokens and seconds are those of all of them. Other rows stay as they are.
    """
    found: dict[str, Row] = {}
    for row in rows:
        if row["right"] is None:
            found[row["question_id"]] = row
            continue
        name, poll = row["document_id"], {"time": row["until"], "raw": row["raw"]}
        first = found.get(name)
        if first is None:
            found[name] = row | {"question_id": name, "polls": [poll]}
            continue
        added = {key: first[key] + row[key] for key in ("visual_tokens", "seconds")}
        found[name] = first | added | {"polls": [*first["polls"], poll], "raw": f"{first['raw']} | {row['raw']}"}
    return [row | scored_polls(row["polls"], row["right"]) if "polls" in row else row for row in found.values()]


def rescored(row: Row, benchmark: Benchmark) -> Row:
    """The row with its raw answers scored again, fields in the same order."""
    return row | (scored_polls(row["polls"], row["right"]) if "polls" in row else scored(benchmark, row, row["raw"]))


def summarise(rows: Sequence[Row], benchmark: Benchmark, run: RunFacts, resamples: int) -> Row:
    """Figures of a benchmark from its rows; accuracies are in [0, 1].

    Questions of missing videos are not in the accuracy; they are counted, and every table marks the cell. `agrees` says whether
    lmms-eval's aggregate (the mean over its tasks) equals ours, `differing` on how many questions the two scores differ; both
    are None where lmms-eval states nothing. A judged benchmark has no accuracy here: it waits for its judge.
    """
    theirs = sum(run.lmms.values()) / len(run.lmms) if run.lmms else None
    both = [row for row in rows if row["lmms_score"] is not None and row["score"] is not None]
    ours = (
        summarise_scores(rows, benchmark, resamples) if benchmark.scoring != "judge" else {"n": len(rows), "judge": "not judged"}
    )
    accuracy: Any = ours.get("accuracy")
    guessable = all(row["options"] for row in rows)
    return {
        "metric": {"judge": "judged", "choice": "accuracy"}.get(benchmark.scoring, "EM"),
        **ours,
        "unparsable": sum(row["parsed"] is None for row in rows),
        "malformed_queries": sum(row["malformed_query"] for row in rows),
        "chance": chance([row["options"] for row in rows]) if guessable else None,
        "visual_tokens_mean": sum(row["visual_tokens"] for row in rows) / len(rows),
        "costs": {name: sum(row["costs"][name] for row in rows) / len(rows) for name in rows[0]["costs"]},
        "seconds": round(sum(row["seconds"] for row in rows), 3),
        "lmms_accuracy": theirs,
        "lmms_tasks": dict(sorted(run.lmms.items())),
        "agrees": None if theirs is None or accuracy is None else abs(theirs - accuracy) < 1e-9,
        "differing": sum(row["lmms_score"] != row["score"] for row in both) if both else None,
        "missing_videos": len(run.missing),
        "missing_questions": run.missing_questions,
        "missing_reasons": dict(sorted(run.missing.items())),
        "coverage": dict(run.coverage),
    }


def run_facts(figures: Mapping[str, Any]) -> RunFacts:
    """What `summarise` was told about the run, read back from the figures it gave."""
    return RunFacts(figures["missing_reasons"], figures["missing_questions"], figures["lmms_tasks"], figures["coverage"])


def read_rows(path: Path) -> list[Row]:
    """Rows of a benchmark's .jsonl; FileNotFoundError when the cell has not been evaluated."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write JSON lines atomically."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
