"""The strict parser: a table of answers, and properties that must hold for every question."""

import pytest

from framethrift.evaluation.parse import parse_answer, right_answer

DOGS = ["a dog", "a cat", "a bird", "a fish"]

LETTERED = [
    ("B", "B"),
    ("b", "B"),
    (" B.\n", "B"),
    ("(B)", "B"),
    ("B)", "B"),
    ("**B**", "B"),
    ("B. a cat", "B"),
    ("(C) a bird.", "C"),
    ("B: because of its ears", "B"),
    ("D. A fish swims", "D"),
    ("a cat", "B"),
    ("A cat.", "B"),
    ("Answer: C", "C"),
    ("Answer: (C)", "C"),
    ("The answer is D.", "D"),
    ("The correct answer is **D**", "D"),
    ("Option C", "C"),
    ("The answer is option C", "C"),
    ("Best option: (B)", "B"),
    ("The answer is B because of its ears", "B"),
    ("It barks and fetches.\nSo the answer is A.", "A"),
    ("First I thought so. The final answer is: (C)", "C"),
    ("<answer>C</answer>", "C"),
    ("The clip is dark. <answer>(D) a fish</answer>", "D"),
    # Nothing below commits to one option of A-D.
    ("", None),
    ("   ", None),
    ("E", None),
    ("The answer is E.", None),
    ("A man is walking, so D", None),
    ("I think A is wrong and C is right", None),
    ("The answer is not A", None),
    ("The answer is A or B", None),
    ("The answer is B or C", None),
    ("The answer is B, C", None),
    ("The answer is A man", None),
    ("The answer is A. No, the answer is B.", None),
    ("A, B", None),
    ("A. B. C. D.", None),
    ("B or C", None),
    ("B) or C)", None),
    ("(A) a cat", None),
    ("a dog (B)", None),
    ("a dog or a cat", None),
    ("can not load", None),
    ("API Error", None),
    ("<answer>A</answer><answer>B</answer>", None),
    ("The choice and prompt", None),
]

WORDED = [
    ("left", "left"),
    ("Left.", "left"),
    (" LEFT\n", "left"),
    ('"left"', "left"),
    ("Answer: left", "left"),
    ("The answer is left.", "left"),
    ("Answer left", "left"),
    ("upper  right", "Upper Right"),
    ("<answer>left</answer>", "left"),
    ("", None),
    ("lef", None),
    ("lefty", None),
    ("not left", None),
    ("left or up", None),
    ("left up", None),
    ("it moves left", None),
    ("L", None),
    ("A", None),
]


@pytest.mark.parametrize(("raw", "expected"), LETTERED)
def test_lettered_answers(raw: str, expected: str | None) -> None:
    assert parse_answer(raw, DOGS, lettered=True) == expected


@pytest.mark.parametrize(("raw", "expected"), WORDED)
def test_single_word_answers(raw: str, expected: str | None) -> None:
    assert parse_answer(raw, ["left", "up", "Upper Right"], lettered=False) == expected


def test_every_plain_form_of_every_option_is_read() -> None:
    options = [f"thing {n}" for n in range(14)]
    for index, option in enumerate(options):
        letter = "ABCDEFGHIJKLMN"[index]
        for form in ("{}", "({})", "{}.", "{})", "{}: x", "Answer: {}", "The answer is {}."):
            assert parse_answer(form.format(letter), options, lettered=True) == letter
        assert parse_answer(f"{letter}. {option}", options, lettered=True) == letter
        wrong = options[(index + 1) % 14]
        assert parse_answer(f"{letter}. {wrong}", options, lettered=True) is None
        assert parse_answer(option, options, lettered=False) == option


@pytest.mark.parametrize("options", [[], ["a", ""], ["up", "Up."], ["a", "b", "a"]])
def test_impossible_options_are_errors(options: list[str]) -> None:
    with pytest.raises(ValueError, match="options"):
        parse_answer("a", options, lettered=False)


def test_more_options_than_letters_is_an_error() -> None:
    with pytest.raises(ValueError, match="at most 26"):
        parse_answer("a", [f"thing {n}" for n in range(27)], lettered=True)


def test_the_right_answer_is_the_option_or_its_letter() -> None:
    assert right_answer("a bird", DOGS, lettered=True) == "C" == right_answer("C", DOGS, lettered=True)
    assert right_answer("B", ["B", "A"], lettered=True) == "A"  # the text of an option comes before its letter
    assert right_answer("a bird", DOGS, lettered=False) == "a bird"
    for answer, lettered in (("E", True), ("C", False), ("", True), ("A bird", True)):
        with pytest.raises(ValueError, match="not among the options"):
            right_answer(answer, DOGS, lettered)
