"""MLVU, dev set: seven multiple-choice tasks, and the two generation tasks, which lmms-eval does not ask."""

from collections.abc import Sequence
from pathlib import Path

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice, options_in
from framethrift.published.annotations.records import records

_FOLDERS = {
    "plotQA": "1_plotQA",
    "findNeedle": "2_needle",
    "ego": "3_ego",
    "count": "4_count",
    "order": "5_order",
    "anomaly_reco": "6_anomaly_reco",
    "topic_reasoning": "7_topic_reasoning",
    "subPlot": "8_sub_scene",
    "summary": "9_summary",
}
_HUB_TYPES = {kind: "needle" if kind == "findNeedle" else kind for kind in _FOLDERS}
# Two answers of the official file name no candidate; the copy of Video-RAG names this one.
_CORRECTED = {
    ("needle_4.mp4", "Catching a flying drone quadcopter"): "Catching the drone",
    ("needle_5.mp4", "Catching a flying drone quadcopter"): "Catching the drone",
}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """json/<n>_<task>.json: video, duration, question, candidates, answer (text), question_type. Raises AnnotationError."""
    seen: dict[str, int] = {}
    for path in files:
        for record in records(path):
            kind = record.one_of("question_type", list(_FOLDERS))
            number = seen[kind] = seen.get(kind, -1) + 1
            video, answer = record.text("video"), record.text("answer", empty=True)
            if "candidates" not in record.values:
                yield _entry(
                    f"{kind}_{number}", kind, video, record.text("question", empty=True), {"answer": answer, "answers": (answer,)}
                )
                continue
            options = record.texts("candidates", least=2)
            answer = answer if answer in options else _CORRECTED.get((video, answer), answer)
            if answer not in options:
                raise record.error("answer", f"is {answer!r}; allowed: {list(options)}")
            yield _entry(
                f"{kind}_{number}", kind, video, record.text("question", empty=True), choice(options, options.index(answer))
            )


def hub(files: Sequence[Path], benchmark: str) -> Entries:
    """The hub's parquet: options inside the question, a letter as answer, video_name, task_type. Raises AnnotationError."""
    kinds = {hub: kind for kind, hub in _HUB_TYPES.items()}
    seen: dict[str, int] = {}
    for path in files:
        for record in records(path):
            kind = kinds[record.one_of("task_type", list(kinds))]
            number = seen[kind] = seen.get(kind, -1) + 1
            text, options = options_in(record.text("question", empty=True))
            scored = choice(options, LETTERS.index(record.letter("answer", len(options))))
            yield _entry(f"{kind}_{number}", kind, record.text("video_name"), text, scored)


def _entry(question_id: str, kind: str, video: str, question: str, scored: dict) -> Entry:
    lines = [f"({letter}) {option}" for letter, option in zip(LETTERS, scored.get("options", ()), strict=False)]
    document = {
        "video_name": video,
        "question": "\n".join([question, *lines]),
        "answer": scored.get("letter") or scored["answer"],
        "task_type": _HUB_TYPES[kind],
    }
    return Entry(
        question_id=question_id,
        video=video,
        places=(f"{_FOLDERS[kind]}/{video}", video),
        media=f"mlvu/{video}",
        task="mlvu_dev",
        document=document,
        question=question,
        type=kind,
        **scored,
    )
