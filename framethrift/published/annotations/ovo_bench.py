"""OVO-Bench: questions asked while a video runs; the model may see what has passed.

A forward row holds several rounds, each asked at its own time: every round is one question, all with the row's document.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framethrift.published.annotations.entry import Entries, Entry, choice
from framethrift.published.annotations.records import Record, records

PARTS = {
    **dict.fromkeys(("EPM", "ASI", "HLD"), "backward"),
    **dict.fromkeys(("OCR", "ACR", "ATR", "STU", "FPD", "OJR"), "realtime"),
    **dict.fromkeys(("REC", "SSR", "CRR"), "forward"),
}
YES_NO = ("Yes", "No")


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """ovo_bench_new.json, or the hub's backward/, realtime/ and forward/ files with the same rows. Raises AnnotationError."""
    for path in files:
        for record in records(path):
            task = record.one_of("task", list(PARTS))
            if PARTS[task] == "forward":
                yield from _rounds(record, task)
            else:
                options = record.texts("options", least=2)
                right = record.index("gt", len(options))
                names = ("id", "task", "video", "realtime", "question", "options", "gt", "answer")
                document = {name: record.raw(name) for name in names if name in record.values} | {"options": list(options)}
                facts = {"until": record.number("realtime"), "question": record.text("question"), **choice(options, right)}
                yield _entry(record, task, document, "", facts)


def _rounds(record: Record, task: str) -> Iterator[Entry]:
    for number, asked in enumerate(record.nested("test_info")):
        until = asked.number("realtime")
        if task == "REC":
            count = asked.text("count")
            facts: dict[str, Any] = {
                "question": f"How many times did they {record.text('activity')}?",
                "answer": count,
                "answers": (count,),
            }
        else:
            right = "Yes" if asked.index("type", 2) else "No"
            question = asked.text("step") if task == "SSR" else record.text("question")
            facts = {"question": question, "answer": right, "answers": (right,), "options": YES_NO}
        yield _entry(record, task, dict(record.values), f"_{number}", {"until": until, "round": number, **facts})


def _entry(record: Record, task: str, document: dict[str, Any], suffix: str, facts: dict[str, Any]) -> Entry:
    number, video = record.text("id"), record.text("video")
    return Entry(
        question_id=f"{number}{suffix}",
        document_id=number,
        video=video,
        # Whole videos as collected, or the published clips, which end at the question's time.
        places=(video, f"src_videos/{video}", f"chunked_videos/{number}{suffix}.mp4", f"{number}{suffix}.mp4"),
        media=f"ovobench/chunked_videos/{number}{suffix}.mp4",
        task=f"ovo_{PARTS[task]}",
        document=document,
        type=task,
        part=PARTS[task],
        **facts,
    )
