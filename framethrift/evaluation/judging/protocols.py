"""What a judge is asked about an open answer, and how its reply is read.

The wording is ours; what each benchmark's own judge decides, and the form of its reply, follow lmms-eval 0.7.3: ActivityNet-QA
(yes or no, score 0-5, 64 tokens), CVRR-ES (correct or incorrect, score 0-5, reason, 512 tokens), Video-TT (a correctness score of
at least 3 is right). Figures are comparable within one judge model only.
"""

import ast
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Message = dict[str, str]
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
_REMINDER = "That was not the form asked for. Reply with the one JSON object and nothing else."


@dataclass(frozen=True)
class Verdict:
    """A judge's reading of one answer: right or not, and its rating from 0 to 5."""

    right: int
    rating: float


@dataclass(frozen=True)
class Protocol:
    """A judge's task: instructions, the two words of its decision (right one first; none: the rating decides), reply length."""

    instructions: str
    words: tuple[str, str] | None
    max_tokens: int
    passing: float = 3.0

    def messages(self, row: Mapping[str, Any]) -> list[Message]:
        """The conversation about one row: question, reference answers and the model's raw answer."""
        accepted = " / ".join(row["answers"] or [row["answer"]])
        asked = f"Question: {row['question']}\nReference answer: {accepted}\nGiven answer: {row['raw'].strip()}"
        return [{"role": "system", "content": self.instructions}, {"role": "user", "content": asked}]

    def again(self, messages: list[Message], reply: str) -> list[Message]:
        """The conversation continued after a malformed reply."""
        return [*messages, {"role": "assistant", "content": reply}, {"role": "user", "content": _REMINDER}]

    def read(self, reply: str) -> Verdict | None:
        """The verdict of a reply; None for anything but one object with a known decision and a score from 0 to 5."""
        found = _OBJECT.search(reply)
        content = _parsed(found[0]) if found else None
        if not isinstance(content, dict):
            return None
        rating = content.get("score")
        if isinstance(rating, bool) or not isinstance(rating, int | float) or not math.isfinite(rating) or not 0 <= rating <= 5:
            return None
        if self.words is None:
            return Verdict(int(rating >= self.passing), float(rating))
        word = str(content.get("pred", "")).strip().casefold()
        return Verdict(int(word == self.words[0]), float(rating)) if word in self.words else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass
    try:
        return ast.literal_eval(text)  # {'pred': 'yes', 'score': 4}, as many judges write it
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


_SAME = (
    "You check answers to questions about videos. You see a question, its reference answer and the answer a model gave. Decide "
    "whether the given answer means the same as the reference; synonyms, paraphrases and a different level of detail are fine as "
    "long as nothing contradicts the reference. "
)
PROTOCOLS = {
    "activitynet_qa": Protocol(
        _SAME
        + 'Reply with one JSON object only: {"pred": "yes" or "no", "score": integer from 0 (nothing fits) to 5 (full match)}.',
        ("yes", "no"),
        64,
    ),
    "cvrr_es": Protocol(
        _SAME + "The questions test whether a model is misled: an answer that affirms something which the reference denies is "
        'incorrect. Reply with one JSON object only: {"pred": "correct" or "incorrect", "score": integer from 0 to 5, "reason": '
        '"one sentence"}.',
        ("correct", "incorrect"),
        512,
    ),
    "video_tt": Protocol(
        _SAME + 'Rate how correct the given answer is. Reply with one JSON object only: {"score": integer from 0 to 5}.',
        None,
        64,
    ),
}
