"""From a raw answer to its score: a pure function of one question's line, so that any file can be scored again."""

from collections.abc import Mapping, Sequence
from typing import Any

from framethrift.config.benchmarks import Benchmark
from framethrift.evaluation.parse import LETTERS, parse_answer
from framethrift.evaluation.text_metrics import clean, exact_match, only_number, refined_exact_match

Scored = dict[str, Any]
TOLERANCE = 2.0  # seconds that a proactive answer may be off (StreamingBench)


def scored(benchmark: Benchmark, question: Mapping[str, Any], raw: str) -> Scored:
    """`parsed` (None: unparsable), `score` (0 or 1; None until a judge has spoken) and `metrics` of a raw answer.

    `question` has options, answer, letter (the right one; empty where options carry no letters) and answers (all that are
    accepted where there are no options; empty: `answer` alone). Options are parsed strictly; where two options read the same
    (published files have such), either is right. A question without options in a benchmark of choices is read by its only
    number, where the answer is one; else its cleaned text is matched exactly. Judged answers are parsed only in so far as they
    are not empty: saying nothing is wrong without asking anybody.
    """
    if benchmark.scoring == "judge":
        said = raw.strip() or None
        return {"parsed": said, "score": None if said else 0, "metrics": {}}
    options, letter = list(question["options"]), question["letter"]
    if options:
        parsed = parse_answer(raw, options, lettered=bool(letter))
        return {"parsed": parsed, "score": int(_is_right(parsed, options, letter, question["answer"])), "metrics": {}}
    accepted = list(question["answers"]) or [question["answer"]]
    if benchmark.scoring == "choice" and only_number(question["answer"]) is not None:
        number = only_number(raw)
        right = {only_number(answer) for answer in accepted} - {None}
        same = number is not None and any(float(number) == float(known) for known in right if known is not None)
        return {"parsed": number, "score": int(same), "metrics": {}}
    match = exact_match(raw, accepted)
    metrics = {"EM": match, "refined EM": refined_exact_match(raw, accepted)}
    return {"parsed": clean(raw) or None, "score": match, "metrics": metrics}


def scored_polls(polls: Sequence[Mapping[str, Any]], right: float) -> Scored:
    """Score of a proactive question from its polls in order, each with its `time` in seconds and the `raw` answer, yes or no.

    Right when the first yes comes within TOLERANCE of the moment `right` (StreamingBench); `parsed` is its time, "never", or None
    where not one poll could be read.
    """
    said = [(poll["time"], parse_answer(poll["raw"], ("Yes", "No"), lettered=False)) for poll in polls]
    first = next((time for time, word in said if word == "Yes"), None)
    if first is not None:
        return {"parsed": f"{first:g} s", "score": int(abs(first - right) <= TOLERANCE), "metrics": {}}
    return {"parsed": "never" if any(word for _, word in said) else None, "score": 0, "metrics": {}}


def _is_right(parsed: str | None, options: list[str], letter: str, answer: str) -> bool:
    if parsed is None or not letter:
        return parsed == answer
    said, right = (options[LETTERS.index(name)].strip() for name in (parsed, letter))
    return parsed == letter or (bool(said) and said == right)
