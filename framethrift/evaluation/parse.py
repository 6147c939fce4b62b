"""One strict parser for every benchmark's answers: what it cannot read is None, which counts as wrong and is reported.

Parsers that search an answer for any option letter, or fall back to a random or first option, move published numbers by
points. This one reads only answers that commit to exactly one option; "not A" or "A or B" commits to none.
"""

import re
import string
from collections.abc import Sequence

LETTERS = string.ascii_uppercase
_WRAPPING = " \t\r\n\"'`*_.,;:!?()[]{}<>"
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
_LEAD = re.compile(
    r"^\W*(?:the\s+)?(?:(?:final|correct|best|right)\s+)?(?:answer|option|choice)\b\s*(?:is\b|:)?\s*:?\s*", re.IGNORECASE
)
_LETTER_FIRST = re.compile(r"^\W*(?P<letter>[A-Za-z])\s*(?:[.):\]]|\*\*)+\s*(?P<rest>.*)$", re.DOTALL)
_DECLARED = re.compile(
    r"\b(?i:answer|option|choice)\b\s*(?i:is\b)?\s*:?\s*(?i:option\s+)?[\"'(\[*]*(?P<letter>[A-Z])(?P<after>[\"')\]*.,:;!]*(?:\s+|$)(?P<next>\S*))"
)


def parse_answer(raw: str, options: Sequence[str], lettered: bool) -> str | None:
    """The option a raw answer commits to.

    `options` are the texts of the question's options in order. With `lettered` they carry the letters A, B, … and the
    result is the letter; texts that are empty or occur twice (published files hold both) then name no option. Without, the answer
    is one of the words themselves and the result is that option as it is written in `options`. A chain of thought before
    </think> is no part of the answer, and an unfinished one holds none. None means unparsable. Raises ValueError for options
    that nothing could be parsed against.
    """
    names = [_plain(option) for option in options]
    if not names or (lettered and len(options) > len(LETTERS)):
        raise ValueError(f"options: {len(options)} options; expected at least one, and lettered at most {len(LETTERS)}")
    if not lettered and ("" in names or len(set(names)) != len(names)):
        raise ValueError(f"options {list(options)}: expected none empty, no two alike")
    text = raw.rpartition("</think>")[2]
    if "<think>" in text:
        return None
    for marked in (_TAGGED, _BOXED):
        found = marked.findall(text)
        if len(found) > 1:
            return None
        text = found[0] if found else text
    if not lettered:
        return _word(text, names, options)
    return _letter(text, [name if names.count(name) == 1 else "" for name in names])


def _plain(text: str) -> str:
    """Lower case, single spaces, without wrapping punctuation."""
    return " ".join(text.casefold().split()).strip(_WRAPPING)


def _word(text: str, names: list[str], options: Sequence[str]) -> str | None:
    for candidate in (text, _LEAD.sub("", text, count=1)):
        plain = _plain(candidate)
        if plain in names:
            return options[names.index(plain)]
    return None


def _letter(text: str, names: list[str]) -> str | None:
    allowed = LETTERS[: len(names)]
    for candidate in (text, _LEAD.sub("", text, count=1)):
        plain = _plain(candidate)
        if len(plain) == 1 and plain.isalpha() and plain.upper() in allowed:
            return plain.upper()
        if plain and plain in names:
            return allowed[names.index(plain)]
        first = _LETTER_FIRST.match(candidate)
        if first:
            return _consistent(first["letter"].upper(), first["rest"], allowed, names)
    return _declared(text, allowed)


def _consistent(letter: str, rest: str, allowed: str, names: list[str]) -> str | None:
    """`letter`, unless what follows it is another option's text, opens with another letter, or declares another."""
    plain = _plain(rest)
    is_option = bool(plain) and plain in names
    if letter not in allowed or (is_option and allowed[names.index(plain)] != letter):
        return None
    opening = re.match(r"^\W*(?:(?:or|and)\W+)?([A-Z])(?:\W|$)", rest)
    # "B. A man runs": an article opens ordinary prose and names no option.
    prose = is_option or re.match(r"^\W*A\s+[a-z]", rest) is not None
    another = opening is not None and opening[1] in allowed and opening[1] != letter and not prose
    return None if another or _declarations(rest, allowed) - {letter} else letter


def _declared(text: str, allowed: str) -> str | None:
    """The letter of "… the answer is B." inside longer text, if all such declarations name one and the same."""
    found = _declarations(text, allowed)
    return found.pop() if len(found) == 1 and found <= set(allowed) else None


def _declarations(text: str, allowed: str) -> set[str]:
    found = set()
    for match in _DECLARED.finditer(text):
        following = match["next"].strip(_WRAPPING)
        # "The answer is A man": A and I are also words, so they count only when punctuation or the end sets them apart.
        is_word = match["letter"] in "AI" and match["after"][:1].isspace() and following
        if not is_word:
            found.add(match["letter"])
        if following.lower() in {"or", "and"}:
            found.add("two options")
        elif len(following) == 1 and following in allowed:
            found.add(following)
    return found
