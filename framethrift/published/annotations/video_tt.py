"""Video-TT, multiple choice."""

import re
from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, options_in, with_suffixes
from framethrift.published.annotations.records import records

_COLUMNS = ("video_id", "question", "question_prompt", "answer", "capability", "duration")


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's single_mc/test-*.parquet; the options are the last lines of the question. Raises AnnotationError."""
    for path in files:
        for number, record in enumerate(records(path)):
            text, options = options_in(record.text("question"))
            if not options:
                raise record.error("question", "has no lines 'A. …' with its options")
            answer = re.sub(r"\W", "", record.text("answer"))[:1]
            right = LETTERS.find(answer) if answer else -1
            if not 0 <= right < len(options):
                raise record.error("answer", f"is {record.text('answer')!r}; allowed: a letter of {len(options)} options")
            video = record.text("video_id")
            yield Entry(
                question_id=str(record.values.get("qid") or f"{video}_{number}"),
                video=video,
                places=with_suffixes(video),
                media=f"video-tt/Benchmark-AllVideos-LQ/{video}.mp4",
                task="videott_single_mc",
                document={name: record.raw(name) for name in _COLUMNS},
                question=text,
                type=record.text("capability"),
                **choice(options, right),
            )
