"""Scores of free text against hand-made cases and against the caption metrics' own definitions."""

import shutil

import pytest

from framethrift.config.benchmarks import load_benchmarks
from framethrift.evaluation import text_metrics
from framethrift.evaluation.scoring import scored
from framethrift.evaluation.text_metrics import (
    caption_metrics,
    clean,
    exact_match,
    only_number,
    refined_exact_match,
    tokens,
)


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "refined"),
    [
        ("brown", ["brown"], 1, 1),
        ("Brown.", ["brown", "dark brown"], 1, 1),
        ("The brown desk", ["brown desk"], 1, 1),
        ("two chairs", ["2 chairs"], 1, 1),
        ("on the brown desk", ["brown desk"], 0, 1),
        ("desk", ["brown desk"], 0, 1),
        ("desktop", ["desk"], 0, 0),
        ("black", ["brown"], 0, 0),
        ("", ["brown"], 0, 0),
        (" . ", ["brown"], 0, 0),
        ("the", ["the a"], 0, 0),
        ("1.5 m", ["1.5 m"], 1, 1),
        ("15 m", ["1.5 m"], 0, 0),
    ],
)
def test_exact_and_refined_match(prediction: str, answers: list[str], exact: int, refined: int) -> None:
    assert (exact_match(prediction, answers), refined_exact_match(prediction, answers)) == (exact, refined)


def test_numbers_are_read_only_when_there_is_one() -> None:
    said = ["3", "3 times", "Three times.", "1,200", "-2.5", "2 or 3", "many", "", "3x4"]
    assert [only_number(text) for text in said] == ["3", "3", "3", "1200", "-2.5", None, None, None, None]


def test_open_questions_are_scored_by_their_kind() -> None:
    counting = {"options": [], "letter": "", "answer": "12", "answers": []}
    choice, captions = (load_benchmarks()[name] for name in ("nextqa", "scanqa"))
    # lmms-eval's OVO-Bench joins all digits: "1 or 2" would be 12.
    raws = ("12", "12 times", "twelve", "12.0", "1 or 2", "")
    assert [scored(choice, counting, raw)["score"] for raw in raws] == [1, 1, 1, 1, 0, 0]
    assert scored(choice, counting, "1 or 2")["parsed"] is None
    for answer, raws in (("Yes", ("yes", "Yes.", "No", "yes or no")), ("No", ("no", "No!", "Yes", "not sure, No"))):
        asked = {"options": ["Yes", "No"], "letter": "", "answer": answer, "answers": [answer]}
        assert [scored(choice, asked, raw)["score"] for raw in raws] == [1, 1, 0, 0]
    twice = {"options": ["Shooting", "Fighting", "", "Shooting", ""], "letter": "D", "answer": "Shooting", "answers": []}
    assert [scored(choice, twice, raw)["score"] for raw in ("D", "A", "B", "C")] == [1, 1, 0, 0]
    assert [scored(choice, twice | {"letter": "E", "answer": ""}, raw)["score"] for raw in ("E", "C")] == [1, 0]
    spoken = {"options": [], "letter": "", "answer": "brown", "answers": ["brown", "dark brown"]}
    assert scored(captions, spoken, "Dark brown.") == {"parsed": "dark brown", "score": 1, "metrics": {"EM": 1, "refined EM": 1}}
    assert scored(captions, spoken, "")["parsed"] is None
    assert clean("It's  THE  Dog's") == "its dogs"


ANSWERS = {
    "1": ["a brown wooden desk by the window"],
    "2": ["two black office chairs in a row"],
    "3": ["white door next to a bed"],
}


def test_caption_metrics_reward_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_metrics.shutil, "which", lambda name: None)
    same = caption_metrics({key: texts[0] for key, texts in ANSWERS.items()}, ANSWERS)
    assert [same[name] for name in ("BLEU-4", "ROUGE-L", "CIDEr")] == pytest.approx([1, 1, 10], rel=1e-3)
    assert same["METEOR"] is None  # a Java program
    other = caption_metrics({"1": "brown desk", "2": "", "3": "A white door."}, ANSWERS)
    assert all(0 < other[name] < same[name] for name in ("ROUGE-L", "CIDEr")) and other["BLEU-4"] < 0.1  # type: ignore[operator]
    with pytest.raises(ValueError, match="same questions"):
        caption_metrics({"q": "a"}, {"r": ["a"]})


@pytest.mark.skipif(shutil.which("java") is None, reason="METEOR needs java")
def test_meteor_is_computed_where_java_is() -> None:
    assert caption_metrics({key: texts[0] for key, texts in ANSWERS.items()}, ANSWERS)["METEOR"] == pytest.approx(1, rel=1e-3)


@pytest.mark.skipif(shutil.which("java") is None, reason="the reference tokenizer needs java")
def test_tokens_are_those_of_the_java_tokenizer() -> None:
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    texts = [
        *(
            "Dark brown, wooden - old - desk.",
            "It's the table's left; isn't it?",
            "8x10 photo, 2.5 m, 1,200",
            "to the left/right",
        ),
        *("a 2nd L-shaped couch", 'What’s "this"', "they're next to 3d prints", "map of a 10:30 show: yes/no"),
    ]
    found = PTBTokenizer().tokenize({str(number): [{"caption": text}] for number, text in enumerate(texts)})
    assert [tokens(text) for text in texts] == [found[str(number)][0] for number in range(len(texts))]
