"""NExT-QA, multiple choice."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import Entries, Entry, choice, with_suffixes
from framethrift.published.annotations.records import Record, mapping_of, read_json, records

TYPES = ("CW", "CH", "TN", "TC", "TP", "DC", "DL", "DO")


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """test.csv or val.csv (also the hub's MC/test-*.parquet, which has the same columns); raises AnnotationError.

    Videos lie under their own name, or where map_vid_vidorID.json beside the file says.
    """
    for path in files:
        mapping = path.parent / "map_vid_vidorID.json"
        places = mapping_of(mapping, read_json(mapping)) if mapping.is_file() else {}
        for record in records(path):
            video, number = record.text("video"), record.text("qid")
            names = [*with_suffixes(video), *([f"{places[video]}.mp4"] if video in places else [])]
            yield _entry(record, video, f"{video}_{number}", number, tuple(names), record.index("answer", 5))


def ig_vlm(files: Sequence[Path], benchmark: str) -> Entries:
    """The validation split as re-formatted by IG-VLM: other column names, unique question ids; raises AnnotationError."""
    for path in files:
        for record in records(path):
            video, number = record.text("video_name"), record.text("question_id")
            right = record.index("answer_number", 5)
            if record.text(f"a{right}", empty=True) != record.text("answer", empty=True):
                raise record.error("answer", f"is {record.text('answer')!r}, but a{right} is {record.text(f'a{right}')!r}")
            yield _entry(record, video, number, number, with_suffixes(video), right, kind="question_type")


def _entry(
    record: Record, video: str, question_id: str, number: str, places: tuple[str, ...], right: int, kind: str = "type"
) -> Entry:
    options = [record.text(f"a{place}", empty=True) for place in range(5)]
    numbers = {name: int(record.number(name)) for name in ("frame_count", "width", "height")}
    question, of_type = record.text("question"), record.one_of(kind, TYPES)
    answers = {f"a{place}": text for place, text in enumerate(options)}
    return Entry(
        question_id=question_id,
        video=video,
        places=places,
        media=f"nextqa/NExTVideo/{video}.mp4",
        task="nextqa_mc_test",
        document={"video": video, **numbers, "question": question, "answer": right, "qid": number, "type": of_type, **answers},
        question=question,
        type=of_type,
        **choice(options, right),
    )
