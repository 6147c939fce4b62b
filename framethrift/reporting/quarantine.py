"""Rejected videos of a study, counted by dataset, stage and reason."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.reporting.cell_file import Problem, read_columns

_STAGES = {"videos": "ingestion", "codec": "re-encoding"}


@dataclass(frozen=True)
class Quarantined:
    """What one stage rejected of one dataset: counts by reason, out of `total` videos it was given."""

    dataset: str
    stage: str
    reasons: dict[str, int]
    total: int
    benchmarks: tuple[str, ...]
    file: Path

    @property
    def rejected(self) -> int:
        """Videos in quarantine."""
        return sum(self.reasons.values())


def read_quarantine(study: Study, layout: Layout) -> tuple[list[Quarantined], list[Problem]]:
    """Counts per dataset and stage, in the order of the study, and which tables could not be read."""
    found, problems = [], []
    for dataset in study.datasets:
        questions, _ = read_columns(layout.videos(dataset) / "questions.parquet", ["benchmark"], f"tables of {dataset}")
        benchmarks = () if questions is None else tuple(sorted(set(questions["benchmark"])))
        for part, stage in _STAGES.items():
            folder = layout.videos(dataset) if part == "videos" else layout.codec(dataset)
            path = folder / "quarantine.parquet"
            place = f"quarantine of {dataset}, {stage}"
            rejected, wrong = read_columns(path, ["reason"], place)
            accepted, also_wrong = read_columns(folder / "videos.parquet", ["video_id"], place)
            problems += [*wrong, *also_wrong]
            if rejected is not None and accepted is not None:
                reasons = Counter(str(reason) for reason in rejected["reason"])
                total = len(accepted) + len(rejected)
                found.append(Quarantined(dataset, stage, dict(sorted(reasons.items())), total, benchmarks, path))
    return found, problems
