"""What lmms-eval calls for ScanQA and SQA3D: prompts, exact match per question, and caption metrics over the corpus."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from framethrift.evaluation.text_metrics import caption_metrics, exact_match, refined_exact_match

Result = dict[str, Any]


def scanqa_doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict | None = None) -> str:
    """The question and a request to be brief, as video language models are asked (Video-3D-LLM)."""
    return f"{doc['question']} Answer the question simply."


def sqa3d_doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict | None = None) -> str:
    """Where the asker stands, the question, and a request for a word or phrase (Video-3D-LLM)."""
    return f"{doc['situation']} {doc['question']} Answer the question using a single word or phrase."


def process_results(doc: dict[str, Any], results: Sequence[str]) -> dict[str, Result]:
    """EM@1 and refined EM of one answer; the caption metrics get the texts and are computed once all are there."""
    prediction, answers = results[0].strip().rstrip("."), doc["answers"]
    facts = {"question_id": doc["question_id"], "video_id": doc["video_id"], "type": doc["type"]}
    texts = {**facts, "prediction": prediction, "answers": answers}
    scores = {"exact_match": exact_match(prediction, answers), "refined_exact_match": refined_exact_match(prediction, answers)}
    scored = {name: {**facts, "score": float(score)} for name, score in scores.items()}
    return {**scored, **dict.fromkeys(("bleu_4", "meteor", "rouge_l", "cider"), texts)}


def mean_score(results: Sequence[Result]) -> float:
    """The mean over questions."""
    return sum(result["score"] for result in results) / len(results)


def corpus_score(results: Sequence[Result], metric: str) -> float | None:
    """A caption metric over all questions; None, not computed, for METEOR where there is no Java to run it."""
    return _caption_metrics(tuple((result["question_id"], result["prediction"], *result["answers"]) for result in results))[
        metric
    ]


@lru_cache(maxsize=1)
def _caption_metrics(texts: tuple[tuple[str, ...], ...]) -> dict[str, float | None]:
    """All metrics at once, since lmms-eval asks for them one by one."""
    predictions = {question_id: prediction for question_id, prediction, *_ in texts}
    return caption_metrics(predictions, {question_id: answers for question_id, _, *answers in texts})


bleu_4 = partial(corpus_score, metric="BLEU-4")
meteor = partial(corpus_score, metric="METEOR")
rouge_l = partial(corpus_score, metric="ROUGE-L")
cider = partial(corpus_score, metric="CIDEr")
