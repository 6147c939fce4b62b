"""All a report is made from, read once."""

from dataclasses import dataclass
from typing import Any

from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.claims import Within
from framethrift.config.controls import controls_of
from framethrift.config.ledgers import LEDGERS, Choice, Ledger, load_choices, load_ledgers
from framethrift.progress import Progress
from framethrift.reporting.cell_file import Problem, read_json
from framethrift.reporting.dialogue_file import Recordings
from framethrift.reporting.latency_file import Latencies
from framethrift.reporting.ledger import Evidence, Verdict, decide
from framethrift.reporting.quarantine import Quarantined, read_quarantine
from framethrift.reporting.question_facts import QuestionFacts, read_question_facts, share_shown
from framethrift.reporting.results import Cell, Results
from framethrift.reporting.retrieval_file import Retrievals


@dataclass(frozen=True)
class Sources:
    """Results, ledgers and verdicts of one study; `labels` say what questions need, by variant and benchmark."""

    study: Study
    layout: Layout
    results: Results
    latencies: Latencies
    retrievals: Retrievals
    recordings: Recordings
    facts: QuestionFacts
    labels: dict[str, dict[str, Any]]
    quarantined: list[Quarantined]
    ledgers: list[Ledger]
    choices: list[Choice]
    verdicts: list[Verdict]
    problems: list[Problem]

    def evidence_shown(self, cell: Cell) -> float | None:
        """Mean share of a question's evidence intervals with a key frame inside; None where no question has evidence."""
        rows = zip(cell.rows["question_id"], cell.rows["shown"], strict=True)
        shares = [share_shown(shown, self.facts.evidence.get(question, [])) for question, shown in rows]
        told = [share for share in shares if share is not None]
        return sum(told) / len(told) if told else None

    def title(self, benchmark: str) -> str:
        """The benchmark's printed name; its own name where the registry does not know it."""
        known = load_benchmarks().get(benchmark)
        return known.title if known else benchmark

    def paper_value(self, variant: str, sampling: str, benchmark: str) -> float | None:
        """The number a paper prints for exactly this cell, if a ledger holds it."""
        for ledger in self.ledgers:
            for claim in ledger.claims:
                need = claim.needs[0] if len(claim.needs) == 1 else None
                compares = isinstance(claim.test, Within) and claim.test.of == "paper"
                if compares and need and (need.variant, need.sampling, need.benchmark) == (variant, sampling, benchmark):
                    return claim.value
        return None


def read_sources(study: Study, layout: Layout, progress: Progress) -> Sources:
    """Read results/<study> and the ledgers; what is missing or contradictory is listed in `problems`.

    Raises LedgerError for a ledger that cannot be used: the ledger is part of the repository, not of the results.
    """
    results = Results(study, layout, progress.say)
    latencies = Latencies(study, layout)
    retrievals = Retrievals(study, layout)
    recordings = Recordings(study, layout)
    quarantined, quarantine_problems = read_quarantine(study, layout)
    facts, fact_problems = read_question_facts(study, layout)
    labels, label_problems = _read_labels(study, layout)
    ledgers = load_ledgers(LEDGERS)
    return Sources(
        study=study,
        layout=layout,
        results=results,
        latencies=latencies,
        retrievals=retrievals,
        recordings=recordings,
        facts=facts,
        labels=labels,
        quarantined=quarantined,
        ledgers=ledgers,
        choices=load_choices(LEDGERS),
        verdicts=decide(ledgers, Evidence(results, latencies, retrievals)),
        problems=[
            *results.problems,
            *latencies.problems,
            *retrievals.problems,
            *recordings.problems,
            *quarantine_problems,
            *fact_problems,
            *label_problems,
        ],
    )


def _read_labels(study: Study, layout: Layout) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Labels of every variant that was asked with all controls."""
    found, problems = {}, []
    for variant in study.variants:
        path, place = layout.labels(variant), f"labels by {variant}"
        if path.is_file():
            content, wrong = read_json(path, place)
            problems += wrong
            if not wrong:
                found[variant] = content
        elif controls_of(study, variant):
            problems.append(Problem(place, path, "not run: no labels"))
    return found, problems
