"""One question of a published benchmark, whatever file it came from."""

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

LETTERS = string.ascii_uppercase
_OPTION = re.compile(r"^\(?([A-Z])[.):]\)?\s*(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One question as the question table keeps it (framethrift.videos.tables.QUESTIONS says what each column means).

    `video` is the cluster: what the benchmark counts as one video. `places` are paths where its file may lie below the
    source's folder of videos, the likeliest first; `media` is where lmms-eval's task looks for it below HF_HOME.
    """

    question_id: str
    video: str
    places: tuple[str, ...]
    media: str
    task: str
    document: dict[str, Any]
    question: str
    answer: str
    type: str = ""
    part: str = ""
    options: tuple[str, ...] = ()
    letter: str = ""
    answers: tuple[str, ...] = ()
    until: float | None = None
    start: float | None = None
    end: float | None = None
    document_id: str = ""
    round: int = 0
    support: tuple[str, ...] = field(default=())


def choice(options: Sequence[str], index: int) -> dict[str, Any]:
    """The fields of a lettered question whose right option is number `index`."""
    return {"options": tuple(options), "answer": options[index], "letter": LETTERS[index]}


def unlettered(options: Sequence[str]) -> tuple[str, ...]:
    """Options without "A. ", "(A) " or "A) " before each, where every one has its own letter; otherwise as they are."""
    found = [_OPTION.match(option) for option in options]
    if all(match and match[1] == letter for match, letter in zip(found, LETTERS, strict=False)):
        return tuple(match[2] for match in found if match)
    return tuple(options)


def options_in(text: str) -> tuple[str, tuple[str, ...]]:
    """A question whose last lines are its options, "A. …" or "(A) …": (the question alone, the options without letters)."""
    lines = text.rstrip().split("\n")
    starts = [number for number, line in enumerate(lines) if (match := _OPTION.match(line.strip())) and match[1] == "A"]
    if not starts:
        return text, ()
    # An option may go on over several lines; the letters come in order.
    options: list[str] = []
    for line in lines[starts[-1] :]:
        match = _OPTION.match(line.strip())
        if match and len(options) < len(LETTERS) and match[1] == LETTERS[len(options)]:
            options.append(match[2].strip())
        else:
            options[-1] += "\n" + line
    return "\n".join(lines[: starts[-1]]), tuple(options)


def with_suffixes(name: str) -> tuple[str, ...]:
    """A video's file name with each suffix that published archives use."""
    return tuple(f"{name}{suffix}" for suffix in (".mp4", ".MP4", ".mkv", ".webm", ".avi", ".mov"))


Entries = Iterator[Entry]
