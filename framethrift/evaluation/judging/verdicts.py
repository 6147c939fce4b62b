"""Rows of a judged benchmark with what its judge said."""

from collections.abc import Mapping, Sequence
from typing import Any

from framethrift.evaluation.judging.cache import SHOWN, content_digest
from framethrift.evaluation.judging.protocols import PROTOCOLS, Verdict


class StaleVerdicts(ValueError):
    """Verdicts that are not about these answers."""


def with_verdicts(
    rows: Sequence[Mapping[str, Any]], protocol: str, model: str, verdicts: Mapping[str, Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], int]:
    """Rows with the judge's scores and ratings, and the number of answers that are left out because their judge failed.

    An empty answer is wrong without a judge and rated 0. Raises StaleVerdicts for an answer that this judge was not asked about.
    """
    judged, failed = [], 0
    asked = PROTOCOLS[protocol]
    for row in rows:
        verdict: Verdict | None = Verdict(0, 0.0)
        if row["parsed"] is not None:
            entry = verdicts.get(row["question_id"])
            if entry is None or entry["digest"] != content_digest(model, asked.messages(row), asked.max_tokens)[:SHOWN]:
                raise StaleVerdicts(
                    f"question {row['question_id']!r}: the verdict is not about this answer; judge the cell again"
                )
            verdict = Verdict(**entry["verdict"]) if entry["verdict"] else None
        if verdict is None:
            failed += 1
            continue
        judged.append({**row, "score": verdict.right, "metrics": {"rating (0-5)": verdict.rating}})
    return judged, failed
