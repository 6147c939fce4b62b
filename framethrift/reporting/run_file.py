"""What a run says of itself: cells.json of one (variant, sampling, seed), its figures per benchmark and its seconds per stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framethrift.reporting.cell_file import Problem, read_json


@dataclass(frozen=True)
class RunFile:
    """One cells.json: summaries by benchmark, seconds by stage over all `asked` questions; `untimed` says why there are none."""

    path: Path
    benchmarks: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    untimed: str = ""


def read_run(path: Path, place: str) -> tuple[RunFile, list[Problem]]:
    """The file and what is wrong with it as a whole; what it says of a benchmark is checked with the benchmark's questions."""
    content, problems = read_json(path, place)
    if problems:
        return RunFile(path, untimed=problems[0].what), problems
    stated = content.get("benchmarks") if isinstance(content, dict) else None
    if not isinstance(stated, dict):
        what = "holds no figures by benchmark"
        return RunFile(path, untimed=what), [Problem(place, path, what)]
    benchmarks = {name: found for name, found in stated.items() if isinstance(found, dict)}
    wrong = _complaint(content.get("seconds"), stated)
    if wrong:
        return RunFile(path, benchmarks, untimed=wrong), [Problem(place, path, wrong)]
    asked = sum(int(found["n"]) for found in benchmarks.values())
    return RunFile(path, benchmarks, content["seconds"], asked, "" if content["seconds"] else "no stage was timed"), []


def _complaint(seconds: Any, benchmarks: Mapping[str, Any]) -> str | None:
    """Why seconds per question cannot be told."""
    if not isinstance(seconds, dict):
        return f"seconds is {seconds!r}, expected seconds by stage"
    for stage, value in seconds.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            return f"seconds.{stage} is {value!r}, expected a number from 0"
    for name, found in benchmarks.items():
        count = found.get("n") if isinstance(found, dict) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            return f"benchmarks.{name}.n is {count!r}, expected how many questions were asked: no seconds per question"
    return None
