"""Latency figures of a study: latency/<variant>/seed<k>.json."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from framethrift.config import Layout, Study
from framethrift.config.claims import Need, Quantity
from framethrift.reporting.cell_file import Problem, read_json

PARTS = ("decode_s", "primitives_s", "vision_s", "delta_s", "selection_s", "reduction_s", "prefill_s")
_POSITIVE = ("visual_tokens", "ttft_s", "ttft_model_s", "e2e_s", "output_tokens", "seconds", "prefill_flops", "cache_bytes")


@dataclass(frozen=True)
class Latency:
    """One timed (variant, sampling): medians in seconds, the single repeats, and the conditions."""

    variant: str
    sampling: str
    facts: dict[str, Any]
    file: Path

    def number(self, name: str) -> float:
        """A figure of the file: seconds, tokens or megabytes, as its name says."""
        return float(self.facts[name])

    @property
    def memory_mb(self) -> float | None:
        """Peak memory in megabytes; None where the system did not tell."""
        peak = self.facts.get("peak_memory_mb")
        return None if peak is None else float(peak)

    @property
    def conditions(self) -> str:
        """What was timed on what, in words."""
        facts = self.facts
        machine = facts["device"] if facts.get("device") != "cpu" else facts.get("cpu") or "cpu"
        return (
            f"{machine}, {facts.get('threads', '?')} thread(s), {self.number('seconds'):g} s of video, "
            f"{self.number('output_tokens'):g} output tokens, {len(facts['repeats'])} repeats"
        )

    def repeats(self, name: Quantity) -> list[float]:
        """The quantity in every timed repeat; the one figure where it does not vary between repeats."""
        values = [float(repeat[name]) for repeat in self.facts["repeats"] if name in repeat]
        return values or [self.number(name)]

    def ratio(self, other: "Latency", name: Quantity) -> tuple[float, float, float]:
        """Ratio of medians self / other, with the smallest and the largest ratio any pair of repeats gives."""
        ours, theirs = self.repeats(name), other.repeats(name)
        return median(ours) / median(theirs), min(ours) / max(theirs), max(ours) / min(theirs)


class Latencies:
    """Every latency figure of a study; the first seed that has one speaks for a variant."""

    def __init__(self, study: Study, layout: Layout) -> None:
        self.problems: list[Problem] = []
        self._found: dict[tuple[str, str], Latency] = {}
        for block in study.latency:
            self._read(block.variant, block.samplings, layout.latency(block.variant, study.seeds[0]))

    def find(self, need: Need) -> Latency | None:
        """The figure of a variant under a sampling, if it was measured."""
        return self._found.get((need.variant, need.sampling or ""))

    def all(self) -> list[Latency]:
        """Every figure, in the order of the study."""
        return list(self._found.values())

    def _read(self, variant: str, samplings: list[str], path: Path) -> None:
        place = f"latency of {variant}"
        if not path.is_file():
            self.problems.append(Problem(place, path, "not run: no latency file"))
            return
        rows, problems = read_json(path, place)
        self.problems += problems
        for row in rows if isinstance(rows, list) else []:
            complaint = _complaint(row)
            if complaint:
                self.problems.append(Problem(place, path, f"{complaint}: left out"))
            elif row["sampling"] in samplings:
                self._found[variant, row["sampling"]] = Latency(variant, row["sampling"], row, path)
        for sampling in samplings:
            if (variant, sampling) not in self._found:
                self.problems.append(Problem(f"{place} / {sampling}", path, "no usable figure"))


def _complaint(row: Any) -> str | None:
    if not isinstance(row, dict) or "sampling" not in row:
        return f"an entry names no sampling: {row!r}"
    for name in (*_POSITIVE, *PARTS):
        value = row.get(name)
        if not isinstance(value, int | float) or value < 0 or (value == 0 and name in _POSITIVE):
            return f"{row['sampling']}: {name} is {value!r}"
    if not isinstance(row.get("repeats"), list) or not all(isinstance(repeat, dict) for repeat in row["repeats"]):
        return f"{row['sampling']}: repeats must be a list of figures"
    return None
