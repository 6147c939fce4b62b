"""What the question and video tables know beyond a cell's rows: where the evidence is, and how long the video."""

from dataclasses import dataclass

from framethrift.config import Layout, Study
from framethrift.reporting.cell_file import Problem, Shown, key_frames, read_columns


@dataclass(frozen=True)
class QuestionFacts:
    """Evidence intervals per question and duration per video, both in seconds."""

    evidence: dict[str, list[tuple[float, float]]]
    duration: dict[str, float]


def read_question_facts(study: Study, layout: Layout) -> tuple[QuestionFacts, list[Problem]]:
    """Facts of every dataset of the study; a table that cannot be read is a problem, not an error."""
    evidence: dict[str, list[tuple[float, float]]] = {}
    duration: dict[str, float] = {}
    problems = []
    for dataset in study.datasets:
        folder = layout.videos(dataset)
        videos, wrong = read_columns(folder / "videos.parquet", ["video_id", "duration"], f"tables of {dataset}")
        questions, also_wrong = read_columns(folder / "questions.parquet", ["question_id", "evidence"], f"tables of {dataset}")
        problems += [*wrong, *also_wrong]
        if videos is None or questions is None:
            continue
        duration.update(zip(videos["video_id"], videos["duration"].astype(float), strict=True))
        for question, intervals in zip(questions["question_id"], questions["evidence"], strict=True):
            evidence[question] = [(float(interval[0]), float(interval[1])) for interval in intervals]
    return QuestionFacts(evidence, duration), problems


def share_shown(shown: Shown, intervals: list[tuple[float, float]]) -> float | None:
    """Share of the evidence intervals with at least one key frame inside; None without evidence. Δ-tokens show no frame."""
    if not intervals:
        return None
    times = key_frames(shown)
    return sum(any(start <= time <= end for time in times) for start, end in intervals) / len(intervals)
