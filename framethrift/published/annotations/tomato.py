"""TOMATO: multiple choice about motion that single frames do not show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framethrift.published.annotations.entry import Entries, Entry, choice
from framethrift.published.annotations.records import Record, mapping_of, read_json, records


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """One file per reasoning type (data/<reason_type>.json): id → question. Raises AnnotationError."""
    for path in files:
        for number, content in mapping_of(path, read_json(path)).items():
            record = Record(f"{path}: question {number}", mapping_of(path, content))
            video = f"videos/{record.text('demonstration_type')}/{record.text('key')}.mp4"
            yield _entry(record, number, path.stem, video)


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's test-*.parquet, which adds id, reason_type and video_path. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            yield _entry(record, record.text("id"), record.text("reason_type"), record.text("video_path"))


def _entry(record: Record, number: str, reason: str, video: str) -> Entry:
    options = record.texts("options", least=2)
    right = record.index("answer", len(options))
    document: dict[str, Any] = {
        "id": number,
        "question": record.text("question"),
        "options": list(options),
        "answer": right,
        "reason_type": reason,
        "demonstration_type": record.text("demonstration_type"),
        "motion_type": str(record.values.get("motion_type") or ""),
        "key": record.text("key"),
        "video_path": video,
    }
    return Entry(
        question_id=f"{reason}_{number}",
        video=video,
        places=(video, video.removeprefix("videos/")),
        media=f"TOMATO/{video}",
        task="tomato",
        document=document,
        question=document["question"],
        type=reason,
        part=document["demonstration_type"],
        **choice(options, right),
    )
