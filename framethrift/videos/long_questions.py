"""Lettered questions about the order of several events of one video, worded by templates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framethrift.videos.balance import deal
from framethrift.videos.long_events import Event

LETTERS = "ABCDEFGH"
QUERIES = 4  # MSJoE 1.1: at most four visual queries


@dataclass(frozen=True)
class Draft:
    """A question before its options have letters: the right option, the wrong ones, and the events that settle it."""

    type: str
    question: str
    right: str
    wrong: tuple[str, ...]
    settled_by: tuple[Event, ...]


def draft(events: Sequence[Event], options: int, count: int, rng: np.random.Generator) -> list[Draft]:
    """At most `count` questions about a video's events, which are in temporal order and do not overlap.

    Wrong options are other events of the same video, so that no caption gives itself away. Kinds take turns in random order;
    empty when there are fewer events than options.
    """
    kinds = [kind for kind in _KINDS if len(events) >= options + _KINDS[kind][1]]
    if not kinds:
        return []
    order = [kinds[index] for index in rng.permutation(len(kinds))]
    found: dict[tuple[str, str], Draft] = {}
    for number in range(2 * count):  # a kind may be drawn with the same events again
        drafted = _KINDS[order[number % len(order)]][0](events, options, rng)
        found.setdefault((drafted.question, drafted.right), drafted)
    return list(found.values())[:count]


def _first(events: Sequence[Event], options: int, rng: np.random.Generator) -> Draft:
    shown = _pick(range(len(events)), options, rng)
    right, *wrong = (events[index] for index in shown)
    return Draft("first", "Which of these events happens first in the video?", *_told(right, wrong), (right, *wrong))


def _last(events: Sequence[Event], options: int, rng: np.random.Generator) -> Draft:
    shown = _pick(range(len(events)), options, rng)
    *wrong, right = (events[index] for index in shown)
    return Draft("last", "Which of these events happens last in the video?", *_told(right, wrong), (right, *wrong))


def _next(events: Sequence[Event], options: int, rng: np.random.Generator) -> Draft:
    # Later events are wrong because another option comes sooner, earlier ones because they are over.
    asked = int(rng.integers(len(events) - 1))
    right = events[asked + 1]
    others = [index for index in range(len(events)) if index not in (asked, asked + 1)]
    wrong = [events[index] for index in _pick(others, options - 1, rng)]
    question = f"Which of these events is the first to happen after this one: {events[asked].caption}?"
    return Draft("after", question, *_told(right, wrong), (events[asked], right, *wrong))


def _between(events: Sequence[Event], options: int, rng: np.random.Generator) -> Draft:
    middle = int(rng.integers(1, len(events) - 1))
    before, right, after = events[middle - 1 : middle + 2]
    others = [index for index in range(len(events)) if not middle - 1 <= index <= middle + 1]
    wrong = [events[index] for index in _pick(others, options - 1, rng)]
    question = f"Which of these events happens between the following two? {before.caption} / {after.caption}"
    return Draft("between", question, *_told(right, wrong), (before, right, after))


# Kind → how it is asked, and how many events it needs beside its options.
_KINDS: dict[str, tuple[Callable[[Sequence[Event], int, np.random.Generator], Draft], int]] = {
    "first": (_first, 0),
    "last": (_last, 0),
    "after": (_next, 1),
    "between": (_between, 2),
}


def _pick(places: Sequence[int] | range, count: int, rng: np.random.Generator) -> list[int]:
    """`count` of the places, in temporal order."""
    return sorted(int(place) for place in rng.choice(np.asarray(places), size=count, replace=False))


def _told(right: Event, wrong: Sequence[Event]) -> tuple[str, tuple[str, ...]]:
    return right.caption, tuple(event.caption for event in wrong)


def question_rows(asked: Sequence[tuple[dict[str, Any], Draft]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of the question table: (a video's row, a draft about it) each; right letters are dealt evenly within each kind.

    Visual queries, for those who learn to write them, are the captions of what settles the question.
    """
    rows: list[dict[str, Any]] = []
    by_count: dict[int, list[int]] = {}
    for index, (_, drafted) in enumerate(asked):
        by_count.setdefault(len(drafted.wrong) + 1, []).append(index)
    letters = [""] * len(asked)
    for count, indices in sorted(by_count.items()):
        dealt = deal([asked[index][1].type for index in indices], LETTERS[:count], rng)
        for index, letter in zip(indices, dealt, strict=True):
            letters[index] = letter
    numbers: dict[str, int] = {}
    for (video, drafted), letter in zip(asked, letters, strict=True):
        number = numbers[video["video_id"]] = numbers.get(video["video_id"], -1) + 1
        options = [drafted.wrong[place] for place in rng.permutation(len(drafted.wrong))]
        options.insert(LETTERS.index(letter), drafted.right)
        rows.append(
            {key: video[key] for key in ("video_id", "dataset", "split")}
            | {"question_id": f"{video['video_id']}-{drafted.type}-{number}", "benchmark": "long_video_qa"}
            | {"type": drafted.type, "question": drafted.question, "options": options, "answer": drafted.right, "letter": letter}
            | {"evidence": [[event.start, event.end] for event in sorted(drafted.settled_by, key=lambda one: one.start)]}
            | {"queries": list(dict.fromkeys(event.caption for event in drafted.settled_by))[:QUERIES]}
        )
    return rows
