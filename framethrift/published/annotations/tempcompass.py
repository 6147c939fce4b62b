"""TempCompass: multiple choice, and the benchmark's three other tasks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, options_in, with_suffixes
from framethrift.published.annotations.records import Record, mapping_of, read_json, records

DIMENSIONS = ("action", "attribute_change", "direction", "order", "speed")
_TASKS = {
    "multi-choice": "tempcompass_multi_choice",
    "yes_no": "tempcompass_yes_no",
    "caption_matching": "tempcompass_caption_matching",
    "captioning": "tempcompass_captioning",
}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """questions/<task>.json: video → dimension → questions. Raises AnnotationError."""
    for path in files:
        for video, dimensions in mapping_of(path, read_json(path)).items():
            record = Record(f"{path}: video {video}", mapping_of(path, dimensions))
            for dimension in record.values:
                if dimension not in DIMENSIONS:
                    raise record.error(dimension, f"is no dimension; allowed: {DIMENSIONS}")
                for number, question in enumerate(record.nested(dimension)):
                    yield _entry(question, _TASKS[path.stem], video, dimension, f"{video}_{dimension}_{number}")


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's multi-choice/test-*.parquet. Raises AnnotationError."""
    seen: dict[tuple[str, str], int] = {}
    for path in files:
        for record in records(path):
            video, dimension = record.text("video_id"), record.one_of("dim", DIMENSIONS)
            number = seen[video, dimension] = seen.get((video, dimension), -1) + 1
            yield _entry(record, "tempcompass_multi_choice", video, dimension, f"{video}_{dimension}_{number}")


def _entry(record: Record, task: str, video: str, dimension: str, question_id: str) -> Entry:
    text, answer = record.text("question"), record.text("answer")
    document = {"video_id": video, "question": text, "answer": answer, "dim": dimension}
    question = text
    scored: dict[str, Any] = {"answer": answer, "answers": (answer,)}
    if task == "tempcompass_multi_choice":
        question, options = options_in(text)
        right = LETTERS.find(answer[:1])
        if not 0 <= right < len(options) or answer[2:].strip() != options[right]:
            raise record.error("answer", f"is {answer!r}, none of the options of {text!r}")
        scored = choice(options, right)
    elif task == "tempcompass_captioning":
        document |= {name: record.text(name) for name in ("mc_question", "mc_answer") if name in record.values}
    return Entry(
        question_id=question_id,
        video=video,
        places=with_suffixes(video),
        media=f"tempcompass/videos/{video}.mp4",
        task=task,
        document=document,
        question=question,
        type=dimension,
        **scored,
    )
