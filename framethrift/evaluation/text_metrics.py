"""Scores of free text: exact match, refined exact match, and the caption metrics of ScanQA.

Published figures differ by what is done to both texts before they are compared. Here: lower case, punctuation away (but inside
numbers), numbers up to twenty as digits, articles away. An empty answer matches nothing.
"""

import re
import shutil
from collections.abc import Mapping, Sequence

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_DIGITS = {word: str(number) for number, word in enumerate(_UNITS.split())}
_ARTICLES = {"a", "an", "the"}
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
CAPTION_METRICS = ("BLEU-4", "METEOR", "ROUGE-L", "CIDEr")


class NoJava(RuntimeError):
    """The caption metrics' tokenizer and METEOR are Java programs, and there is no java."""


def clean(text: str) -> str:
    """Text as it is compared."""
    words = re.sub(r"(?<!\d)[^\w\s]|[^\w\s](?!\d)", " ", text.casefold().replace("'", "")).split()
    return " ".join(_DIGITS.get(word, word) for word in words if word not in _ARTICLES)


def exact_match(prediction: str, answers: Sequence[str]) -> int:
    """EM@1: whether the prediction is one of the accepted answers, both cleaned."""
    said = clean(prediction)
    return int(bool(said) and said in {clean(answer) for answer in answers})


def refined_exact_match(prediction: str, answers: Sequence[str]) -> int:
    """Refined EM: as EM, or one of the two texts holds the other as whole words ("on the brown desk" for "brown desk")."""
    said = clean(prediction)
    held = (clean(answer) for answer in answers)
    return int(bool(said) and any(known and (f" {known} " in f" {said} " or f" {said} " in f" {known} ") for known in held))


def only_number(text: str) -> str | None:
    """The single number of a text, as digits; None for none or several."""
    found = _NUMBER.findall(" ".join(_DIGITS.get(word, word) for word in re.sub(r"[^\w\s.,-]", " ", text.casefold()).split()))
    return found[0].replace(",", "") if len(found) == 1 else None


def caption_metrics(predictions: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """BLEU-4, METEOR, ROUGE-L and CIDEr over a corpus, by question id, as pycocoevalcap computes them (CIDEr in [0, 10]).

    Raises NoJava without a java program, and ValueError when the two name different questions.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    if predictions.keys() != answers.keys():
        raise ValueError(f"predictions of {len(predictions)} questions, answers of {len(answers)}: expected the same questions")
    if shutil.which("java") is None:
        raise NoJava("caption metrics need java (a Java runtime of version 8 or later) on the PATH")
    tokenizer = PTBTokenizer()
    # The tokenizer takes one line per text, and loses texts without a word.
    known = tokenizer.tokenize({key: [{"caption": _line(text)} for text in texts] for key, texts in answers.items()})
    said = tokenizer.tokenize({key: [{"caption": _line(text)}] for key, text in predictions.items()})
    return {
        "BLEU-4": float(Bleu(4).compute_score(known, said, verbose=0)[0][3]),
        "METEOR": float(Meteor().compute_score(known, said)[0]),
        "ROUGE-L": float(Rouge().compute_score(known, said)[0]),
        "CIDEr": float(Cider().compute_score(known, said)[0]),
    }


def _line(text: str) -> str:
    return " ".join(text.split()).rstrip(".") or "nothing said"
