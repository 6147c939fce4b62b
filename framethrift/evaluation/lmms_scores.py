"""What lmms-eval's own scoring said of one question, out of the many shapes its tasks return.

Only comparisons that the tasks' aggregations make are repeated here; nothing is parsed.
"""

from collections.abc import Mapping
from typing import Any


def question_score(values: Mapping[str, Any], metrics: Mapping[str, float]) -> float | None:
    """Score in [0, 1] of a sample, given by metric name as process_results returned it, for the first of `metrics` that is there.

    None where the task gives no score per question (judged answers, or an aggregation over several answers).
    """
    for name in metrics:
        if name in values:
            return _score(values[name])
    return None


def aggregate(results: Mapping[str, Any], metrics: Mapping[str, float]) -> float | None:
    """Share of 1 that a task's entry of `results` states under the first of `metrics` it holds; None where it states none.

    `metrics` says per name what lmms-eval prints for 100 %: 1 or 100.
    """
    for name, full in metrics.items():
        value = results.get(f"{name},none")
        if isinstance(value, int | float):
            return float(value) / full
    return None


def _score(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    if not isinstance(value, Mapping):
        return None
    for key in ("score", "correct", "rating"):
        if isinstance(value.get(key), bool | int | float):
            return float(value[key])
    if "pred_answer" in value and "answer" in value:  # Video-MME, MLVU, Video-TT
        return float(value["pred_answer"] == value["answer"])
    if "response" in value and "ground_truth" in value:  # OVO-Bench: the letter anywhere in the response
        return float(value["ground_truth"] in value["response"])
    if "parsed_pred" in value and isinstance(value["parsed_pred"], str):  # LongVideoBench, Video-MMMU's options
        right = value["answer"]
        return float(value["parsed_pred"] in right if isinstance(right, list) else value["parsed_pred"] == right)
    return None
