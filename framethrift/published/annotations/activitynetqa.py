"""ActivityNet-QA: open questions, whose answers a judge compares."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import Entries, Entry, with_suffixes
from framethrift.published.annotations.records import Record, records

# README of MILVLG/activitynet-qa: question types 0-2, answer types 3-8.
TYPES = {
    "0": "motion",
    "1": "spatial relationship",
    "2": "temporal relationship",
    "3": "yes/no",
    "4": "colour",
    "5": "object",
    "6": "location",
    "7": "number",
    "8": "other",
}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """<split>_q.json and <split>_a.json, joined by question_id. Raises AnnotationError, also for a question without answer."""
    questions, answers = files
    known = {record.text("question_id"): record for record in records(answers)}
    for record in records(questions):
        question_id = record.text("question_id")
        if question_id not in known:
            raise record.error("question_id", f"is {question_id!r}, which {answers} does not answer")
        yield _entry(record, known[question_id], record.text("video_name"), "type")


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's test-*.parquet: question and answer in one row. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            yield _entry(record, record, record.text("video_name"), "type")


def ig_vlm(files: Sequence[Path], benchmark: str) -> Entries:
    """The test split as re-formatted by IG-VLM: video names with their v_, another name for the type. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            yield _entry(record, record, record.text("video_name").removeprefix("v_"), "question_type")


def _entry(question: Record, answer: Record, video: str, kind: str) -> Entry:
    of_type, text = answer.one_of(kind, list(TYPES)), question.text("question")
    document = {
        "video_name": video,
        "question": text,
        "question_id": question.text("question_id"),
        "answer": answer.text("answer"),
        "type": of_type,
    }
    return Entry(
        question_id=document["question_id"],
        video=video,
        places=with_suffixes(f"v_{video}"),
        media=f"activitynetqa/all_test/v_{video}.mp4",
        task="activitynetqa",
        document=document,
        question=f"{text.capitalize()}?",
        answer=document["answer"],
        answers=(document["answer"],),
        type=TYPES[of_type],
    )
