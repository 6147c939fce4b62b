"""LongVideoBench, validation split, questions without subtitles."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import Entries, Entry, choice
from framethrift.published.annotations.records import Record, records

_ABSENT = "N/A"


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """validation-*.parquet (option0 to option4, "N/A" as filler) or lvb_val.json (candidates). Raises AnnotationError."""
    for path in files:
        for record in records(path):
            yield _entry(record)


def _entry(record: Record) -> Entry:
    if "candidates" in record.values:
        options = record.texts("candidates", least=2)
    else:
        options = tuple(text for text in (record.text(f"option{place}") for place in range(5)) if text != _ABSENT)
    right = record.index("correct_choice", len(options))
    texts = {
        name: record.text(name) for name in ("video_id", "id", "video_path", "subtitle_path", "question", "question_category")
    }
    numbers = {name: record.number(name) for name in ("duration", "duration_group")}
    filled = {f"option{place}": options[place] if place < len(options) else _ABSENT for place in range(5)}
    document = {**texts, **numbers, "correct_choice": right, **filled, "duration_group": int(numbers["duration_group"])}
    document["starting_timestamp_for_subtitles"] = record.number("starting_timestamp_for_subtitles")
    return Entry(
        question_id=texts["id"],
        video=texts["video_id"],
        places=(texts["video_path"],),
        media=f"datasets/longvideobench/videos/{texts['video_path']}",
        task="longvideobench_val_v",
        document=document,
        question=texts["question"],
        type=texts["question_category"],
        part=str(document["duration_group"]),
        **choice(options, right),
    )
