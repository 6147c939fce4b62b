"""A cell's questions as they are put to a model: the task's prompt, the part of the video, and a key for the answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framethrift.config.sampling import Replay, Sampling, Stream
from framethrift.evaluation.keys import Keys
from framethrift.evaluation.lmms_tasks import Prompted
from framethrift.evaluation.parse import LETTERS
from framethrift.evaluation.questions import Asked, Question
from framethrift.evaluation.rankings import Ranked, read_rankings
from framethrift.evaluation.shown import Ask
from framethrift.selectors import SelectionError

DEFAULT_NEW_TOKENS = 1024  # where a task states none, as lmms-eval's LLaVA models


@dataclass(frozen=True)
class Posed:
    """One question of a benchmark, ready to be answered."""

    benchmark: str
    question: Question
    ask: Ask
    length: int
    stops: tuple[str, ...]


def posed(benchmark: str, asked: Asked, sampling: Sampling, prompts: Mapping[str, Prompted]) -> list[Posed]:
    """The present questions of a benchmark in order, with the prompts that their tasks make.

    Raises SelectionError when the index file of a replay is bad or lacks a question; FileNotFoundError when it is gone.
    """
    swaps = isinstance(sampling, Stream) and sampling.delta == "swap"
    ranked = _ranked(benchmark, asked, sampling) if isinstance(sampling, Replay) else {}
    found = []
    for question in asked.present:
        prompt = prompts[question.question_id]
        ask = Ask(
            video=asked.videos[question.video_id],
            question=prompt.text,
            donor=asked.donors.get(question.video_id) if swaps else None,
            evidence=question.evidence,
            span=span_of(question),
            topic="" if question.question == prompt.text else question.question,
            choices=tuple(LETTERS[: len(question.options)]) if question.letter else question.options,
            question_id=question.question_id,
            ranked=ranked.get(question.question_id),
        )
        found.append(Posed(benchmark, question, ask, prompt.length or DEFAULT_NEW_TOKENS, prompt.stops))
    return found


def _ranked(benchmark: str, asked: Asked, sampling: Replay) -> Ranked:
    """What the sampling's file names for every present question; refused whole before the first one is asked."""
    ranked = read_rankings(Path(sampling.indices))
    lacking = [question.question_id for question in asked.present if question.question_id not in ranked]
    if lacking:
        raise SelectionError(
            f"{sampling.indices}: no line for question {lacking[0]!r} of {benchmark} ({len(lacking)} of {len(asked.present)} "
            "questions have none); question_id must be the benchmark's own"
        )
    return ranked


def require_told_apart(questions: Sequence[Posed]) -> None:
    """Refuse question ids that mean different questions in two benchmarks of a cell: an index file knows ids only.

    Raises SelectionError naming the first such id and both benchmarks.
    """
    known: dict[str, Posed] = {}
    for own in questions:
        first = known.setdefault(own.question.question_id, own)
        if (first.ask.video, first.question.question) != (own.ask.video, own.question.question):
            raise SelectionError(
                f"question_id {own.question.question_id!r} is one question of {first.benchmark} and another of {own.benchmark}: "
                "give each benchmark a replay with an index file of its own"
            )


def span_of(question: Question) -> tuple[float, float]:
    """Seconds of the video that may be shown: the question's clip, and nothing after the moment it is asked."""
    ends = [bound for bound in (question.end, question.until) if bound is not None]
    return question.start or 0.0, min(ends, default=math.inf)


def keyed(questions: Sequence[Posed], keys: Keys) -> list[str]:
    """The key of every question's answer; errors as `Keys.key`."""
    return [keys.key(own.benchmark, own.question.question_id, own.ask, own.length, own.stops) for own in questions]
