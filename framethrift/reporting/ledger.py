"""Deciding claims: every verdict follows from a stated test on the results, never from looking at them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from framethrift.config import Study
from framethrift.config.claims import (
    Arithmetic,
    Claim,
    Difference,
    Need,
    Ratio,
    Recall,
    Retrieval,
    TokenShare,
    Untestable,
    Within,
)
from framethrift.config.data import Official
from framethrift.config.ledgers import Ledger
from framethrift.evaluation.statistics import Difference as StatisticalDifference
from framethrift.evaluation.statistics import Estimate
from framethrift.reporting.formula import FormulaError, evaluate
from framethrift.reporting.latency_file import Latencies
from framethrift.reporting.results import Cell, Results
from framethrift.reporting.retrieval_file import Retrievals

Status = Literal["reproduced", "contradicted", "inconclusive", "not run", "cannot be tested"]
STATUSES: tuple[Status, ...] = ("reproduced", "contradicted", "inconclusive", "not run", "cannot be tested")


@dataclass(frozen=True)
class Verdict:
    """What the results say about a claim: the status, the number with its interval, and the rule that decided."""

    claim: Claim
    paper: str
    status: Status
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    unit: str = ""
    files: tuple[Path, ...] = field(default=())

    @property
    def text(self) -> str:
        """Status with its reason where the status alone says too little."""
        return f"{self.status} ({self.reason})" if self.status in ("not run", "cannot be tested") else self.status


class Undecidable(Exception):
    """The results lack something a claim needs."""


@dataclass(frozen=True)
class Evidence:
    """All that claims are decided on."""

    results: Results
    latencies: Latencies
    retrievals: Retrievals


def decide(ledgers: Iterable[Ledger], evidence: Evidence) -> list[Verdict]:
    """A verdict for every claim of every ledger, in the ledgers' order."""
    return [_decide(claim, ledger, evidence) for ledger in ledgers for claim in ledger.claims]


def count(verdicts: Iterable[Verdict]) -> dict[Status, int]:
    """Number of verdicts per status, every status present."""
    counted = Counter(verdict.status for verdict in verdicts)
    return {status: counted[status] for status in STATUSES}


def _decide(claim: Claim, ledger: Ledger, evidence: Evidence) -> Verdict:
    test = claim.test
    try:
        if isinstance(test, Untestable):
            return Verdict(claim, ledger.paper, "cannot be tested", test.why)
        if isinstance(test, Arithmetic):
            return _arithmetic(claim, test, ledger)
        _require_scale(claim, evidence.results.study)
        if isinstance(test, Ratio):
            return _ratio(claim, test, ledger, evidence)
        if isinstance(test, Retrieval):
            return _retrieval(claim, test, ledger, evidence)
        if isinstance(test, Recall):
            return _recall(claim, test, ledger, evidence)
        cells = [_cell(need, evidence.results) for need in claim.needs]
        if isinstance(test, Within):
            return _within(claim, test, ledger, cells[0])
        if isinstance(test, TokenShare):
            return _token_share(claim, test, ledger, cells[0], cells[1])
        return _difference(claim, test, ledger, cells[0], cells[1])
    except Undecidable as lacking:
        return Verdict(claim, ledger.paper, "not run", str(lacking))


def scale_of(study: Study) -> Literal["paper", "miniature"]:
    """What a study's cells can be compared with: the papers' numbers, or mechanisms in miniature only."""
    return "paper" if any(isinstance(dataset, Official) for dataset in study.datasets.values()) else "miniature"


def _require_scale(claim: Claim, study: Study) -> None:
    """A name alone does not make a cell comparable: both scales have a variant of the same name."""
    if claim.scale != scale_of(study):
        wanted = "a full-scale study" if claim.scale == "paper" else "a study of the procedural worlds"
        raise Undecidable(f"needs {wanted}: {'; '.join(map(str, claim.needs))}")


def _cell(need: Need, results: Results) -> Cell:
    assert need.sampling and need.benchmark  # the ledger's model requires both for accuracies
    cell = results.cell(need.variant, need.sampling, need.benchmark)
    if cell is None:
        raise Undecidable(f"needs {need}, not part of study {results.study.name}")
    if cell.missing:
        raise Undecidable(f"needs {need}: {cell.missing}")
    part = cell if need.type is None else cell.of("type", need.type)
    if part is None:
        raise Undecidable(f"needs {need}: the benchmark has no question of this type")
    return part


def _difference(claim: Claim, test: Difference, ledger: Ledger, first: Cell, second: Cell) -> Verdict:
    try:
        found = first.against(second)
    except ValueError as error:
        raise Undecidable(str(error)) from error
    value, low, high = 100 * found.value, 100 * found.low, 100 * found.high
    above, below = low > test.margin, high < test.margin
    supported, opposed = (above, below) if test.kind == "greater" else (below, above)
    sign = ">" if test.kind == "greater" else "<"
    rule = f"paired difference {sign} {test.margin:g} points, 95 % interval over {found.clusters} videos, {found.n} questions"
    files = tuple([*first.files.values(), *second.files.values()])
    return Verdict(claim, ledger.paper, _status(supported, opposed), rule, value, low, high, found.p_value, "points", files)


def _within(claim: Claim, test: Within, ledger: Ledger, cell: Cell) -> Verdict:
    files = tuple(cell.files.values())
    if test.of == "paper":
        if test.measure != "accuracy":
            raise Undecidable(f"needs {test.measure} of {cell.key}, which its questions do not carry")
        return _near(claim, ledger, cell.accuracy, test.tolerance, files)
    found = cell.above_chance()
    if found is None:
        raise Undecidable(f"{cell.key} has open questions, which have no chance level")
    return _inside(claim, ledger, found, 0.0, test.tolerance, ("chance", "points from chance"), files)


def _near(claim: Claim, ledger: Ledger, estimate: Estimate, tolerance: float, files: tuple[Path, ...]) -> Verdict:
    assert claim.value is not None  # the ledger's model requires it
    return _inside(claim, ledger, estimate, claim.value, tolerance, (f"the paper's {claim.value:g}", "%"), files)


def _inside(
    claim: Claim,
    ledger: Ledger,
    found: Estimate | StatisticalDifference,
    centre: float,
    tolerance: float,
    words: tuple[str, str],
    files: tuple[Path, ...],
) -> Verdict:
    """Reproduced when the whole interval lies within `tolerance` of `centre`, contradicted when none of it does."""
    what, unit = words
    value, low, high = 100 * found.value, 100 * found.low, 100 * found.high
    inside = centre - tolerance <= low and high <= centre + tolerance
    outside = low > centre + tolerance or high < centre - tolerance
    rule = f"95 % interval inside ± {tolerance:g} points of {what}; contradicted when wholly outside"
    return Verdict(claim, ledger.paper, _status(inside, outside), rule, value, low, high, None, unit, files)


def _ratio(claim: Claim, test: Ratio, ledger: Ledger, evidence: Evidence) -> Verdict:
    first, second = (evidence.latencies.find(need) for need in claim.needs)
    if first is None or second is None:
        lacking = next(need for need, found in zip(claim.needs, (first, second), strict=True) if found is None)
        raise Undecidable(f"needs latency of {lacking}")
    value, low, high = first.ratio(second, test.quantity)
    below, above = high < test.limit, low > test.limit
    supported, opposed = (below, above) if test.kind == "ratio_below" else (above, below)
    sign = "<" if test.kind == "ratio_below" else ">"
    rule = f"ratio of {test.quantity} {sign} {test.limit:g}, smallest to largest ratio of the timed repeats"
    files = tuple(dict.fromkeys([first.file, second.file]))
    return Verdict(claim, ledger.paper, _status(supported, opposed), rule, value, low, high, None, "×", files)


def _retrieval(claim: Claim, test: Retrieval, ledger: Ledger, evidence: Evidence) -> Verdict:
    found = evidence.retrievals.difference(claim.needs[0].variant, test.measure)
    if found is None:
        raise Undecidable(f"needs {test.measure} of next-frame retrieval for {claim.needs[0]}")
    difference, files = found
    value, low, high = 100 * difference.value, 100 * difference.low, 100 * difference.high
    rule = f"paired difference in {test.measure} > 0, 95 % interval over {difference.clusters} videos"
    return Verdict(claim, ledger.paper, _status(low > 0, high < 0), rule, value, low, high, difference.p_value, "points", files)


def _token_share(claim: Claim, test: TokenShare, ledger: Ledger, cell: Cell, full: Cell) -> Verdict:
    assert claim.value is not None  # the ledger's model requires it
    value = 100 * cell.tokens / full.tokens
    rule = f"mean visual tokens in % of {full.key}, within ± {test.tolerance:g} of the paper's {claim.value:g}"
    close = abs(value - claim.value) <= test.tolerance
    files = tuple([*cell.files.values(), *full.files.values()])
    return Verdict(claim, ledger.paper, _status(close, not close), rule, value, unit="%", files=files)


def _recall(claim: Claim, test: Recall, ledger: Ledger, evidence: Evidence) -> Verdict:
    assert claim.value is not None  # the ledger's model requires it
    found = evidence.retrievals.estimate(claim.needs[0].variant, test.method, test.measure)
    if found is None:
        raise Undecidable(f"needs {test.measure} of next-frame retrieval by {test.method} for {claim.needs[0]}")
    estimate, files = found
    return _near(claim, ledger, estimate, test.tolerance, files)


def _arithmetic(claim: Claim, test: Arithmetic, ledger: Ledger) -> Verdict:
    assert claim.value is not None  # the ledger's model requires it
    stated = {other.id: other.value for other in ledger.claims}
    try:
        found = evaluate(test.formula, stated, ledger.token_prices)
    except FormulaError as error:
        return Verdict(claim, ledger.paper, "cannot be tested", str(error), unit=claim.unit)
    # A hair's breadth for binary fractions: 70.3 - 63.6 is not 6.7 in floating point.
    close = abs(found - claim.value) <= test.tolerance + 1e-9 * max(1.0, abs(claim.value))
    holds = {"equals_arithmetic": close, "below_arithmetic": found < claim.value, "above_arithmetic": found > claim.value}[
        test.kind
    ]
    sign = {"equals_arithmetic": "=", "below_arithmetic": "<", "above_arithmetic": ">"}[test.kind]
    rule = f"{test.formula} {sign} {claim.value:g}" + (f" ± {test.tolerance:g}" if test.kind == "equals_arithmetic" else "")
    return Verdict(claim, ledger.paper, "reproduced" if holds else "contradicted", rule, found, unit=claim.unit)


def _status(supported: bool, opposed: bool) -> Status:
    return "reproduced" if supported else "contradicted" if opposed else "inconclusive"
