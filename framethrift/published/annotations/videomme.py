"""Video-MME: three benchmarks (without subtitles, with subtitles, long videos only) on one table."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, unlettered, with_suffixes
from framethrift.published.annotations.records import records

TASKS = {"videomme": "videomme", "videomme_subtitles": "videomme_w_subtitle", "videomme_long": "videomme_long"}
_COLUMNS = ("video_id", "duration", "domain", "sub_category", "url", "videoID", "question_id", "task_type", "question", "answer")


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """videomme/test-*.parquet, the official format. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            video, duration = record.text("videoID"), record.one_of("duration", ("short", "medium", "long"))
            if benchmark == "videomme_long" and duration != "long":
                continue
            options = record.texts("options", least=4)
            right = LETTERS.index(record.letter("answer", len(options)))
            subtitled = benchmark != "videomme"  # lmms-eval's videomme_long reads subtitles as well
            yield Entry(
                question_id=record.text("question_id"),
                video=video,
                places=with_suffixes(video),
                media=f"videomme/data/{video}.mp4",
                support=(f"videomme/subtitle/{video}.srt",) if subtitled else (),
                task=TASKS[benchmark],
                document={**{name: record.text(name) for name in _COLUMNS}, "options": list(options)},
                question=record.text("question"),
                type=record.text("task_type"),
                part=duration,
                **choice(unlettered(options), right),
            )
