"""CVRR-ES: open questions in eleven dimensions, whose answers a judge compares."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import Entries, Entry
from framethrift.published.annotations.records import AnnotationError, Record, read_json, records

# Folder of the dataset → DimensionName of the hub's rows.
DIMENSIONS = {
    "continuity_and_object_instance_count": "Continuity and Object Instance Count",
    "fine_grained_action_understanding": "Fine-grained action understanding",
    "interpretation_of_social_context": "Interpretation of social context",
    "interpretation_of_visual_context": "Interpretation of visual context",
    "multiple_actions_in_a_single_video": "Multiple actions in a single video",
    "non_existent_actions_with_existent_scene_depictions": "Non-existent actions with existent scene depictions",
    "non_existent_actions_with_non_existent_scene_depictions": "Non-existent actions with non-existent scene depictions",
    "partial_actions": "Partial actions",
    "time_order_understanding": "Time order understanding",
    "understanding_emotional_context": "Understanding of emotional context",
    "unusual_and_physically_anomalous_activities": "Unusual and Physically Anomalous activities",
}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """<dimension>/annotations_<dimension>.json with VideoID, Q and A. Raises AnnotationError."""
    for path in files:
        folder = _folder(path, path.stem.removeprefix("annotations_"))
        for number, record in enumerate(records(path)):
            yield _entry(folder, number, record.text("VideoID"), record.text("Q"), record.text("A"))


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's <dimension>/test-*.parquet, which adds DimensionName. Raises AnnotationError."""
    for path in files:
        folder = _folder(path, path.parent.name)
        for number, record in enumerate(records(path)):
            record.one_of("DimensionName", [DIMENSIONS[folder]])
            yield _entry(folder, number, record.text("VideoID"), record.text("Q"), record.text("A"))


def verdicts(files: Sequence[Path], benchmark: str) -> Entries:
    """Published judge results: [verdict, {q, a, pred}] per question; they do not say the video. Raises AnnotationError."""
    for path in files:
        folder = _folder(path, path.stem)
        for number, pair in enumerate(_pairs(path)):
            yield _entry(folder, number, "", pair.text("q"), pair.text("a"))


def predictions(files: Sequence[Path], benchmark: str) -> Entries:
    """Published predictions: Q, and in A a model's answer instead of the right one. Raises AnnotationError."""
    for path in files:
        folder = _folder(path, path.stem)
        for number, record in enumerate(records(path)):
            yield _entry(folder, number, "", record.text("Q"), record.text("A", empty=True))


def _pairs(path: Path) -> Sequence[Record]:
    found = []
    for number, pair in enumerate(read_json(path)):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, dict) for part in pair):
            raise AnnotationError(f"{path}: row {number}: is {str(pair)[:80]}; allowed: [verdict, question]")
        found.append(Record(f"{path}: row {number}", pair[1]))
    return found


def _folder(path: Path, name: str) -> str:
    if name not in DIMENSIONS:
        raise AnnotationError(f"{path}: {name!r} is no dimension; allowed: {sorted(DIMENSIONS)}")
    return name


def _entry(folder: str, number: int, video: str, question: str, answer: str) -> Entry:
    return Entry(
        question_id=f"{folder}_{number}",
        video=f"{folder}/{video}" if video else "",
        places=(f"{folder}/{video}", f"CVRR-ES/{folder}/{video}"),
        media=f"cvrr-es/CVRR-ES/{folder}/{video}",
        task=f"cvrr_{folder}",
        document={"VideoID": video, "Q": question, "A": answer, "DimensionName": DIMENSIONS[folder]},
        question=question,
        answer=answer,
        answers=(answer,),
        type=DIMENSIONS[folder],
    )
