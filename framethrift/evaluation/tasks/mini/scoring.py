"""What lmms-eval calls for the miniature benchmarks: the prompt, and the score of an answer by the strict parser."""

from typing import Any

from framethrift.evaluation.parse import parse_answer


def doc_to_visual(doc: dict[str, Any]) -> list[str]:
    """Path of the re-encoded video."""
    return [doc["video"]]


def doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict | None = None) -> str:
    """The question as the models were trained to read it; the chat template is the model's."""
    return doc["question"]


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, dict[str, Any]]:
    """Score 1 where the parsed answer is the right option, 0 where it is another or unparsable."""
    parsed = parse_answer(results[0], doc["options"], lettered=False)
    return {"accuracy": {"question_id": doc["question_id"], "video_id": doc["video_id"], "score": float(parsed == doc["answer"])}}


def mean_score(results: list[dict[str, Any]]) -> float:
    """Accuracy: the mean score over questions."""
    return sum(result["score"] for result in results) / len(results)
