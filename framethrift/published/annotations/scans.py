"""ScanQA and SQA3D: open questions about indoor scans of ScanNet, shown as the scan's frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framethrift.published.annotations.entry import Entries, Entry, with_suffixes
from framethrift.published.annotations.records import Record, mapping_of, read_json, records

# SQA3D's types of question are their first words.
SQA3D_TYPES = ("what", "is", "how", "can", "which")


def scanqa(files: Sequence[Path], benchmark: str) -> Entries:
    """ScanQA_v1.0_val.json; the public test files have no answers. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            answers = record.texts("answers") if "answers" in record.values else ()
            facts: dict[str, Any] = {
                "question": record.text("question"),
                "answers": list(answers),
                "scene_id": record.text("scene_id"),
            }
            question_id = record.text("question_id")
            first = facts["question"].split()[0].lower()
            yield _entry("framethrift_scanqa", question_id, facts, facts["question"], answers, first)


def sqa3d(files: Sequence[Path], benchmark: str) -> Entries:
    """v1_balanced_questions_<split>.json and v1_balanced_sqa_annotations_<split>.json, joined by question_id.

    Raises AnnotationError, also for a question without an answer.
    """
    questions, annotations = (Record(str(path), mapping_of(path, read_json(path))) for path in files)
    known = {record.text("question_id"): record for record in annotations.nested("annotations")}
    for record in questions.nested("questions"):
        question_id = record.text("question_id")
        if question_id not in known:
            raise record.error("question_id", f"is {question_id!r}, which {files[1]} does not answer")
        answers = tuple(answer.text("answer") for answer in known[question_id].nested("answers"))
        text = record.text("question")
        facts = {"question": text, "situation": record.text("situation"), "scene_id": record.text("scene_id")}
        word = text.split()[0].lower()
        kind = word if word in SQA3D_TYPES else "others"
        shown = f"{facts['situation']} {text}"
        yield _entry("framethrift_sqa3d", question_id, facts | {"answers": list(answers)}, shown, answers, kind)


def _entry(task: str, question_id: str, facts: dict[str, Any], question: str, answers: Sequence[str], kind: str) -> Entry:
    scene = facts["scene_id"]
    media = f"scannet/{scene}.mp4"
    return Entry(
        question_id=question_id,
        video=scene,
        # A folder of frames, as posed images are published, or a video.
        places=(scene, *with_suffixes(scene)),
        media=media,
        task=task,
        document={"question_id": question_id, "video_id": scene, "video": media, "type": kind, **facts},
        question=question,
        answer=answers[0] if answers else "",
        answers=tuple(answers),
        type=kind,
    )
