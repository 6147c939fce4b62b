"""Questions worded by a language model that reads a video's captions; what it writes is checked strictly and never repaired."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from framethrift.config.long_video_qa import LongVideoQA
from framethrift.videos.long_events import Event
from framethrift.videos.long_questions import Draft

Message = dict[str, str]
Ask = Callable[[list[Message], int], str]  # a conversation, the most tokens of its reply → the reply

TOKENS_PER_QUESTION = 300
_INSTRUCTION = """\
You write multiple-choice questions for people who have watched a long video. Its events are described below, with their times.
Write {count} questions. Each must need at least two of the events to be answered and must be about what is seen.
Do not mention times, descriptions or event numbers.
Give one right and {wrong} wrong options. Wrong options must be plausible for this video; none may stand out by length or detail.
Reply with nothing but a JSON list of entries such as
{{"question": "text", "right": "text", "wrong": ["texts"], "events": [1, 2]}}
where events are the numbers of the events that settle the question.

{events}"""


def conversation(events: Sequence[Event], settings: LongVideoQA) -> list[Message]:
    """What the model is asked about a video's events."""
    listed = "\n".join(f"{n}. {event.start:.0f}-{event.end:.0f} s: {event.caption}" for n, event in enumerate(events, start=1))
    text = _INSTRUCTION.format(count=settings.questions, wrong=settings.options - 1, events=listed)
    return [{"role": "user", "content": text}]


def write(events: Sequence[Event], settings: LongVideoQA, ask: Ask, left_out: Counter[tuple[str, str]]) -> list[Draft]:
    """Questions about a video's events as the model words them; adds to `left_out` why others were not taken."""
    reply = ask(conversation(events, settings), TOKENS_PER_QUESTION * settings.questions)
    try:
        written = json.loads(reply)
    except json.JSONDecodeError:
        written = None
    if not isinstance(written, list):
        left_out["reply", "no JSON list"] += 1
        return []
    drafts: list[Draft] = []
    for entry in written:
        complaint = _complaint(entry, len(events), settings.options)
        if complaint is None and any(entry["question"] == other.question for other in drafts):
            complaint = "repeats another"
        if complaint is None and len(drafts) == settings.questions:
            complaint = "more than were asked for"
        if complaint:
            left_out["question", complaint] += 1
            continue
        settled = tuple(events[number - 1] for number in sorted(set(entry["events"])))
        drafts.append(Draft("written", entry["question"], entry["right"], tuple(entry["wrong"]), settled))
    return drafts


def _complaint(entry: Any, events: int, options: int) -> str | None:
    """Why an entry of the reply is no question."""
    if not isinstance(entry, dict) or set(entry) != {"question", "right", "wrong", "events"}:
        return "fields other than question, right, wrong, events"
    if not isinstance(entry["wrong"], list):
        return "wrong options are no list"
    texts = [entry["question"], entry["right"], *entry["wrong"]]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        return "a text is empty"
    if len(entry["wrong"]) != options - 1 or len({text.strip().casefold() for text in texts[1:]}) != options:
        return "options missing or alike"
    numbers = entry["events"]
    if not isinstance(numbers, list) or not all(type(number) is int and 1 <= number <= events for number in numbers):
        return "names events that are not there"
    return "rests on fewer than two events" if len(set(numbers)) < 2 else None
