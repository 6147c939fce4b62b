"""Next-frame retrieval of the Δ-encoders: retrieval/<name>/seed<k>.json (Table H.6)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.config import Layout, Study
from framethrift.evaluation.statistics import Difference, Estimate
from framethrift.reporting.cell_file import Problem, read_json


@dataclass(frozen=True)
class Retrieval:
    """Retrieval of one Δ-encoder: estimates per method and measure, and the paired differences to copying."""

    name: str
    facts: dict[str, Any]
    file: Path

    @property
    def methods(self) -> dict[str, dict[str, Estimate]]:
        """Method → measure → share of pairs with the interval over videos."""
        return {
            method: {measure: Estimate(**figure) for measure, figure in measures.items()}
            for method, measures in self.facts["methods"].items()
        }

    @property
    def differences(self) -> dict[str, Difference]:
        """Measure → Δ-encoder minus copying, paired."""
        return {measure: Difference(**figure) for measure, figure in self.facts["difference"].items()}


class Retrievals:
    """Every Δ-encoder's retrieval figures; the study's first seed speaks."""

    def __init__(self, study: Study, layout: Layout) -> None:
        self._study = study
        self.problems: list[Problem] = []
        self.found: dict[str, Retrieval] = {}
        self.expected = list(dict.fromkeys(name for name in map(study.delta_of, study.variants) if name))
        for name in self.expected:
            path = layout.retrieval(name, study.seeds[0])
            place = f"retrieval of {name}"
            if not path.is_file():
                self.problems.append(Problem(place, path, "not run: no retrieval file"))
                continue
            facts, problems = read_json(path, place)
            self.problems += problems
            if problems:
                continue
            retrieval = Retrieval(name, facts, path)
            try:
                _ = retrieval.methods, retrieval.differences
            except (KeyError, TypeError, AttributeError) as error:
                self.problems.append(Problem(place, path, f"is no retrieval file ({type(error).__name__}: {error})"))
                continue
            self.found[name] = retrieval

    def estimate(self, variant: str, method: str, measure: str) -> tuple[Estimate, tuple[Path, ...]] | None:
        """A method's measure for the Δ-encoder that `variant` starts from; None when it was not measured."""
        retrieval = self._of(variant)
        if retrieval is None or measure not in retrieval.methods.get(method, {}):
            return None
        return retrieval.methods[method][measure], (retrieval.file,)

    def _of(self, variant: str) -> Retrieval | None:
        name = self._study.delta_of(variant) if variant in self._study.variants else None
        return self.found.get(name) if name else None

    def difference(self, variant: str, measure: str) -> tuple[Difference, tuple[Path, ...]] | None:
        """The measure's paired difference for the Δ-encoder that `variant` starts from; None when it was not measured."""
        retrieval = self._of(variant)
        if retrieval is None or measure not in retrieval.differences:
            return None
        return retrieval.differences[measure], (retrieval.file,)
