"""Video-TT: five questions about each video, one multiple-choice and four open ones, which are a benchmark of their own."""

import re
from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, options_in, with_suffixes
from framethrift.published.annotations.records import AnnotationError, Record, records

OPEN = "video_tt_open"
_COLUMNS = ("video_id", "question", "question_prompt", "answer", "capability", "duration")
# Split of the open questions → part, and lmms-eval's task; lmms-eval's name for the split of the primary ones is another.
_SPLITS = {
    "test_primary_oe": ("primary", "videott_no_leading_oe"),
    "test_no_leading_oe": ("primary", "videott_no_leading_oe"),
    "test_paraphrased_oe": ("paraphrased", "videott_paraphrase_oe"),
    "test_correctly_led_oe": ("correctly_led", "videott_correctly_led_oe"),
    "test_wrongly_led_oe": ("wrongly_led", "videott_wrongly_led_oe"),
}


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's data/<split>-*.parquet: the split `test` is multiple-choice, the others are open. Raises AnnotationError."""
    for path in files:
        split = path.name.partition("-")[0]
        if split != "test" and split not in _SPLITS:
            raise AnnotationError(f"{path}: {split!r} is no split of questions; allowed: {['test', *_SPLITS]}")
        if (split != "test") != (benchmark == OPEN):
            continue
        for number, record in enumerate(records(path)):
            yield _chosen(record, number) if split == "test" else _open(record, number, *_SPLITS[split])


def _chosen(record: Record, number: int) -> Entry:
    """A multiple-choice question; the options are its last lines."""
    text, options = options_in(record.text("question"))
    if not options:
        raise record.error("question", "has no lines 'A. …' with its options")
    answer = re.sub(r"\W", "", record.text("answer"))[:1]
    right = LETTERS.find(answer) if answer else -1
    if not 0 <= right < len(options):
        raise record.error("answer", f"is {record.text('answer')!r}; allowed: a letter of {len(options)} options")
    video = record.text("video_id")
    return Entry(
        question_id=_id(record, number),
        video=video,
        places=with_suffixes(video),
        media=_media(video),
        task="videott_single_mc",
        document={name: record.raw(name) for name in _COLUMNS},
        question=text,
        type=record.text("capability"),
        **choice(options, right),
    )


def _open(record: Record, number: int, part: str, task: str) -> Entry:
    video, answer = record.text("video_id"), record.text("answer")
    return Entry(
        question_id=f"{part}_{_id(record, number)}",
        video=video,
        places=with_suffixes(video),
        media=_media(video),
        task=task,
        document={name: record.raw(name) for name in _COLUMNS},
        question=record.text("question"),
        answer=answer,
        answers=(answer,),
        type=record.text("capability"),
        part=part,
    )


def _id(record: Record, number: int) -> str:
    return str(record.values.get("qid") or f"{record.text('video_id')}_{number}")


def _media(video: str) -> str:
    return f"video-tt/Benchmark-AllVideos-LQ/{video}.mp4"
