"""What lmms-eval calls for StreamingBench: prompts, and scores as the benchmark's own script gives them."""

import string
from collections.abc import Sequence
from typing import Any

from framethrift.evaluation.tasks.media import doc_to_visual

TOLERANCE = 2.0  # seconds that a proactive answer may be off

Result = dict[str, Any]


def choice_doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict | None = None) -> str:
    """The question with lettered options; it ends as the benchmark's prompt does."""
    options = "\n".join(f"{letter}. {text}" for letter, text in zip(string.ascii_uppercase, doc["options"], strict=False))
    lead = "Choose the best answer to this question about the video. Respond with the letter of the option only."
    return f"{lead}\n\nQuestion: {doc['question']}\nOptions:\n{options}\n\nThe best option is:"


def choice_process_results(doc: dict[str, Any], results: Sequence[str]) -> dict[str, Result]:
    """Right where the first character of the answer is the letter: the benchmark's own rule."""
    return _result(doc, float(results[0].strip()[:1] == doc["answer"]))


def poll_doc_to_text(
    doc: dict[str, Any],
    lmms_eval_specific_kwargs: dict | None = None,
    previous_output: list[str] | None = None,
    round_idx: int | None = None,
    previous_round_info: Any = None,
) -> Any:
    """The question of one poll: text alone before the first round, then (visuals, text, finished, outputs, info) per round."""
    text = f'{doc["question"]}\nIs it the right time to output "{doc["output"]}" now? Answer only with yes or no.'
    if round_idx is None:
        return text
    if round_idx >= len(doc["times"]):
        return None, None, True, previous_output, None
    return doc_to_visual(doc), text, False, previous_output, None


def poll_process_results(doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Result]:
    """Right where the first poll that is answered with yes comes within two seconds of the right moment."""
    answers = results[0] if results and isinstance(results[0], list) else results
    agreed = [time for time, answer in zip(doc["times"], answers, strict=True) if answer.strip().lower().startswith("yes")]
    return _result(doc, float(bool(agreed) and abs(agreed[0] - doc["right"]) <= TOLERANCE))


def mean_score(results: Sequence[Result]) -> float:
    """The mean over questions."""
    return sum(result["score"] for result in results) / len(results)


def _result(doc: dict[str, Any], score: float) -> dict[str, Result]:
    facts = {"question_id": doc["question_id"], "video_id": doc["video_id"], "task_type": doc["task_type"]}
    return {"streamingbench_score": {**facts, "score": score}}
