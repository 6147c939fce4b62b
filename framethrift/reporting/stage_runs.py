"""Training stages as their local spools recorded them: tracking/spool/<stage>/<name>/seed<k>/<attempt>.jsonl."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.config import Layout
from framethrift.reporting.cell_file import Problem
from framethrift.tracking.spool import read_events


@dataclass(frozen=True)
class Recorded:
    """One stage's last attempt: its curves (metric → step → value), tags, status and busy seconds."""

    stage: str
    name: str
    curves: dict[str, dict[int, float]]
    tags: dict[str, str]
    status: str
    seconds: float
    file: Path


def read_stage_runs(layout: Layout) -> tuple[list[Recorded], list[Problem]]:
    """Every stage in the order of its first start, and the spools that cannot be read."""
    spool = layout.tracking / "spool"
    runs: list[tuple[int, Recorded]] = []
    problems = []
    for folder in sorted({path.parent for path in spool.rglob("*.jsonl")}):
        path = sorted(folder.glob("*.jsonl"))[-1]
        place = folder.relative_to(spool).as_posix()
        try:
            events = read_events(path)
        except ValueError as error:
            problems.append(Problem(f"training record {place}", path, str(error)))
            continue
        if not events:
            problems.append(Problem(f"training record {place}", path, "is empty"))
            continue
        stage, _, name = place.partition("/")
        runs.append((int(events[0]["at"]), _recorded(stage, name, events, path)))
    runs.sort(key=lambda run: (run[0], run[1].stage, run[1].name))
    return [run for _, run in runs], problems


def _recorded(stage: str, name: str, events: list[dict[str, Any]], path: Path) -> Recorded:
    curves: dict[str, dict[int, float]] = {}
    tags: dict[str, str] = {}
    status = ""
    busy, before = 0, int(events[0]["at"])
    for event in events:
        if "start" in event:
            status = "not finished"
        else:  # the time between an interruption and the next start is nobody's work
            busy += int(event["at"]) - before
        before = int(event["at"])
        # A resumed stage repeats the steps since its checkpoint; what was logged last is what the result rests on.
        for metric, value in event.get("metrics", {}).items():
            curves.setdefault(metric, {})[int(event["step"])] = float(value)
        tags.update(event.get("tags", {}))
        status = event.get("end", status)
    return Recorded(stage, name, curves, tags, status, busy / 1000, path)
