"""The strict parser: a table of answers, and properties that must hold for every question."""

import pytest

from framethrift.evaluation.parse import parse_answer

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
    ("The answer is (B).", "B"),
    ("The best option is: (D)", "D"),
    ("Best option: (B) a cat", "B"),
    ("B) a cat", "B"),
    ("<think>A? No, it barks. B or C.</think>\n\nC", "C"),
    ("It has wings, so \\boxed{C}", "C"),
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
    ("<think>The answer is A", None),
    ("<think>It may be B or C", None),
    ("\\boxed{A} or \\boxed{B}", None),
    ("I cannot tell; the answer could be any of A, B, C or D.", None),
    ("none of the above", None),
    ("Answer: not B", None),
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


def test_six_options_go_up_to_f_and_no_further() -> None:
    options = [f"sport {n}" for n in range(6)]
    assert [parse_answer(f"({letter})", options, lettered=True) for letter in "EFG"] == ["E", "F", None]


def test_repeated_and_empty_options_are_named_by_letter_alone() -> None:
    """Published files hold both: MLVU's anomaly recognition, and questions with empty texts."""
    options = ["Shooting", "Fighting", "", "Shooting"]
    assert [parse_answer(raw, options, lettered=True) for raw in ("D", "(A)", "C.", "B) Fighting", "D. Shooting")] == [*"DACBD"]
    assert [parse_answer(raw, options, lettered=True) for raw in ("Shooting", "", ".", "Fighting")] == [None, None, None, "B"]


def test_more_options_than_letters_is_an_error() -> None:
    with pytest.raises(ValueError, match="at most 26"):
        parse_answer("a", [f"thing {n}" for n in range(27)], lettered=True)
