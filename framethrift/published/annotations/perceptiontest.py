"""PerceptionTest, validation split of the multiple-choice questions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framethrift.published.annotations.entry import Entries, Entry, choice, with_suffixes
from framethrift.published.annotations.records import Record, mapping_of, read_json, records


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """mc_question_valid.json (video → metadata, mc_question) and, where present, cut_frame_mapping_valid.json.

    The official protocol cuts the end of some videos at a frame of the mapping; -1 or no entry means no cut. Raises
    AnnotationError.
    """
    path, *more = files
    cuts = mapping_of(more[0], read_json(more[0])) if more else {}
    for video, content in mapping_of(path, read_json(path)).items():
        record = Record(f"{path}: video {video}", mapping_of(path, content))
        end = None
        if video in cuts and (frame := Record(f"{more[0]}", cuts).number(video)) > 0:
            end = frame / Record(f"{record.where}, metadata", record.raw("metadata")).number("frame_rate")
        for question in record.nested("mc_question"):
            yield _entry(question, video, question.text("id"), benchmark, end)


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """mc_question_val/validation-*.parquet; not cut, as lmms-eval. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            yield _entry(record, record.text("video_name"), record.text("question_id"), benchmark, None)


def _entry(record: Record, video: str, number: str, benchmark: str, end: float | None) -> Entry:
    options = record.texts("options", least=3)
    right = record.index("answer_id", len(options))
    area, reasoning = record.text("area"), record.text("reasoning")
    document: dict[str, Any] = {
        "video_name": video,
        "question": record.text("question"),
        "question_id": number,
        "options": list(options),
        "answer_id": str(right),
        "area": area,
        "reasoning": reasoning,
        "tag": record.items("tag"),
    }
    return Entry(
        question_id=f"{video}_{number}",
        video=video,
        places=with_suffixes(video),
        media=f"perceptiontest_val/videos/{video}.mp4",
        task="perceptiontest_val_mc",
        document=document,
        question=document["question"],
        type=f"{area}, {reasoning}",
        end=end,
        **choice(options, right),
    )
