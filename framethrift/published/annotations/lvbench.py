"""LVBench: questions about videos of about an hour."""

import ast
from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, options_in, unlettered, with_suffixes
from framethrift.published.annotations.records import Record, records


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """video_info.meta.jsonl: one line per video with its questions, options inside their text. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            video = record.text("key")
            for question in record.nested("qa"):
                text, options = options_in(question.text("question"))
                right = LETTERS.index(question.letter("answer", len(options)))
                kind = ", ".join(question.texts("question_type"))
                yield _entry(question.text("uid"), video, text, options, right, kind, record.text("type"))


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's data/train-*.parquet: question with its options, answer letter, video_path. Raises AnnotationError."""
    for path in files:
        for number, record in enumerate(records(path)):
            video = Path(record.text("video_path")).stem
            text, options = options_in(record.text("question"))
            options = options or unlettered(record.texts("options", least=2))
            right = LETTERS.index(record.letter("answer", len(options)))
            kind = ", ".join(record.texts("question_type")) if record.values.get("question_type") else ""
            number_ = record.text("uid") if "uid" in record.values else str(number)
            yield _entry(number_, video, text, options, right, kind, str(record.values.get("type") or ""))


def tspo(files: Sequence[Path], benchmark: str) -> Entries:
    """The table that TSPO evaluates on: all questions, with the right option's number and text. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            options = _listed(record)
            part, _, kind = record.text("task_name").partition("_")
            right = record.index("answer_number", len(options))
            if record.text("answer") != options[right]:
                raise record.error("answer", f"is {record.text('answer')!r}, but option {right} is {options[right]!r}")
            video = record.text("video_name").removesuffix(".mp4")
            yield _entry(record.text("question_id"), video, record.text("question"), options, right, kind, part)


def clean(files: Sequence[Path], benchmark: str) -> Entries:
    """VideoChat-Flash's copy: 1,519 questions of 101 videos, which are only numbered. Raises AnnotationError."""
    for path in files:
        for number, record in enumerate(records(path)):
            given, answer = record.texts("candidates", least=2), record.text("answer")
            if answer not in given:
                raise record.error("answer", f"is {answer!r}; allowed: {list(given)}")
            kind = ", ".join(record.texts("question_type"))
            facts = (record.text("question"), unlettered(given), given.index(answer), kind, record.text("type"))
            yield _entry(f"clean_{number}", record.text("video"), *facts)


def _listed(record: Record) -> tuple[str, ...]:
    text = record.text("candidates")
    try:
        options = ast.literal_eval(text)
    except (SyntaxError, ValueError) as error:
        raise record.error("candidates", f"is {text!r}; allowed: a list of texts") from error
    return Record(record.where, {"candidates": options}).texts("candidates", least=2)


def _entry(number: str, video: str, question: str, options: Sequence[str], right: int, kind: str, part: str) -> Entry:
    shown = "\n".join([question, *(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))])
    return Entry(
        question_id=number,
        video=video,
        places=with_suffixes(video),
        media=f"lvbench/{video}.mp4",
        task="lvbench",
        document={"question": shown, "answer": LETTERS[right], "video_path": f"{video}.mp4"},
        question=question,
        type=kind,
        part=part,
        **choice(tuple(options), right),
    )
