"""Video-MMMU: three tracks on lecture videos; the question's picture is the last frame."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice
from framethrift.published.annotations.records import AnnotationError, Record, mapping_of, read_json, records

TRACKS = ("Perception", "Comprehension", "Adaptation")
_FIELDS = {
    "Art": "Art Art_Theory Design Music",
    "Science": "Biology Chemistry Geography Math Physics",
    "Humanities": "History Literature Sociology Psychology",
    "Engineering": (
        "Agriculture Architecture_and_Engineering Computer_Science Electronics Energy_and_Power Materials Mechanical_Engineering"
    ),
    "Medicine": "Basic_Medical_Science Clinical_Medicine Diagnostics_and_Laboratory_Medicine Pharmacy Public_Health",
    "Business": "Accounting Economics Finance Manage Marketing",
}
_FOLDERS = {subject: folder for folder, subjects in _FIELDS.items() for subject in subjects.split()}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """<track>_video.json: {Track: {number: question}}. Raises AnnotationError."""
    for path in files:
        for track, questions in mapping_of(path, read_json(path)).items():
            if track not in TRACKS:
                raise AnnotationError(f"{path}: {track!r} is no track; allowed: {TRACKS}")
            for number, content in mapping_of(path, questions).items():
                yield _entry(Record(f"{path}: {track} {number}", mapping_of(path, content)), track)


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's <Track>/test-*.parquet. Raises AnnotationError."""
    for path in files:
        if path.parent.name not in TRACKS:
            raise AnnotationError(f"{path}: {path.parent.name!r} is no track; allowed: {TRACKS}")
        for record in records(path):
            yield _entry(record, path.parent.name)


def _entry(record: Record, track: str) -> Entry:
    video, options = record.text("id"), record.texts("options", least=0)
    subject = "_".join(video.split("_")[1:-1])
    if subject not in _FOLDERS:
        raise record.error("id", f"is {video!r}, whose subject {subject!r} is unknown; allowed: {sorted(_FOLDERS)}")
    # One adaptation question is untyped in the official file, and the other two tracks have no such field.
    kind = record.values.get("question_type") or ("multiple-choice" if options else "open")
    answer = record.text("answer")
    scored = (
        choice(options, LETTERS.index(record.letter("answer", len(options))))
        if options
        else {"answer": answer, "answers": _accepted(answer)}
    )
    return Entry(
        question_id=f"{track}_{video}",
        video=video,
        places=(f"{_FOLDERS[subject]}/{video}.mp4", f"{video}.mp4"),
        media=f"video_mmmu/{_FOLDERS[subject]}/{video}.mp4",
        task=f"video_mmmu_{track.lower()}",
        document={
            "id": video,
            "question": record.text("question"),
            "options": list(options),
            "answer": answer,
            "question_type": kind,
        },
        question=record.text("question"),
        type=_FOLDERS[subject],
        part=track.lower(),
        **scored,
    )


def _accepted(answer: str) -> tuple[str, ...]:
    """An open answer; one of the official file is several, written as a list."""
    return tuple(part.strip(" []'\"") for part in answer.split(",")) if answer.startswith("[") else (answer,)
