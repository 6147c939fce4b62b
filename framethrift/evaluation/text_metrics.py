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
_WORD = re.compile(r"n't\b|'(?:s|re|ve|ll|d|m)\b|\d+(?:[.,:]\d+)+|[^\W_]+?(?=n't\b)|[^\W_]+(?:[-/.][^\W_]+)*")
_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")
EMPTY = "nothing"  # stands for a text without a word


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


def tokens(text: str) -> str:
    """Lower-case words without punctuation, as the Penn Treebank splits them: the tokens of BLEU, ROUGE-L and CIDEr.

    Differs from the Java tokenizer that pycocoevalcap brings on fewer than one in a thousand of ScanQA's texts.
    """
    return " ".join(_WORD.findall(text.casefold().replace("’", "'")))


def caption_metrics(predictions: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> dict[str, float | None]:
    """BLEU-4, METEOR, ROUGE-L and CIDEr over a corpus, by question id, as pycocoevalcap computes them (CIDEr in [0, 10]).

    METEOR is a Java program: None where there is no java. Raises ValueError when the two name different questions.
    """
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge

    if predictions.keys() != answers.keys():
        raise ValueError(f"predictions of {len(predictions)} questions, answers of {len(answers)}: expected the same questions")
    # A text without a word would be lost, and with it the order of the others.
    known = {key: [tokens(text) or EMPTY for text in texts] for key, texts in answers.items()}
    said = {key: [tokens(text) or EMPTY] for key, text in predictions.items()}
    return {
        "BLEU-4": float(Bleu(4).compute_score(known, said, verbose=0)[0][3]),
        "METEOR": float(Meteor().compute_score(known, said)[0]) if shutil.which("java") else None,
        "ROUGE-L": float(Rouge().compute_score(known, said)[0]),
        "CIDEr": float(Cider().compute_score(known, said)[0]),
    }
