"""Tables that check the others: blind control, question types, quarantine, claims, problems."""

from dataclasses import replace
from pathlib import Path

from framethrift.config.claims import Within
from framethrift.config.rows import reduction
from framethrift.config.sampling import Blind
from framethrift.reporting.entries import accuracy_entry, difference_entry, questions_page
from framethrift.reporting.labels import variant_label
from framethrift.reporting.ledger import Verdict
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, minus, missing, number, words
from framethrift.reporting.tables_accuracy import names


def blind_control(sources: Sources) -> Table:
    """Every blind cell against each question's own chance."""
    study, results = sources.study, sources.results
    columns = [
        Column("model", "Model", numeric=False),
        Column("benchmark", "Benchmark", numeric=False),
        Column("accuracy", "Accuracy without video (%)"),
        Column("chance", "Chance (%)"),
        Column("difference", "Difference"),
        Column("verdict", "Control claim", numeric=False),
    ]
    table = Table(
        "blind_control",
        "Blind control",
        "No video is shown at all. Where a blind model beats chance, a benchmark measures language priors, not videos.",
        columns,
    )
    for key, cell in results.cells.items():
        if not isinstance(study.samplings[key.sampling], Blind):
            continue
        above = None if cell.missing else cell.above_chance()
        entry = {
            "model": words(variant_label(study, key.variant)),
            "benchmark": words(sources.title(key.benchmark)),
            "accuracy": accuracy_entry(cell),
        }
        if above is not None:
            entry["chance"] = number(100 * float(cell.scores["chance"].mean()), files=tuple(cell.files.values()))
            # "Inconclusive" would be misread here: no difference from chance is what the control hopes for.
            entry["difference"] = replace(difference_entry(above, tuple(cell.files.values())), note="", mark="", p_value=None)
        else:
            reason = f"{key}: {cell.missing}" if cell.missing else f"{key} has open questions: no chance level"
            entry["chance"] = entry["difference"] = missing(reason)
        entry["verdict"] = words(_control(sources.verdicts, key.variant, key.sampling, key.benchmark))
        table.rows.append(entry)
    return table


def question_groups(sources: Sources, benchmark: str, by: str) -> Table:
    """Accuracy per question type, or per part, of one benchmark, for every cell with all tokens; `by` is "type" or "part"."""
    study, results = sources.study, sources.results
    whole = [cell for key, cell in results.cells.items() if reduction(study, key.row) is None]
    cells = [cell for cell in whole if cell.key.benchmark == benchmark]
    groups = sorted({name for cell in cells if not cell.missing for name in cell.rows[by].unique()} - {""})
    columns = [Column("model", "Model", numeric=False), Column("sampling", "Sampling", numeric=False), Column("all", "All")]
    columns += [Column(f"{by}_{name}", name.replace("_", " ")) for name in groups]
    what = {"type": "by question type", "part": "by part"}[by]
    captions = {
        "type": "the types of a benchmark differ in what they need to be seen",
        "part": "the benchmark reports its parts apart",
    }
    table = Table(
        f"{by}s_{benchmark}",
        f"{sources.title(benchmark)} {what}",
        f"Accuracy in % with 95 % bootstrap intervals over videos; {captions[by]}.",
        columns,
    )
    for cell in cells if groups else []:
        entry = names(sources, cell.key.row) | {"all": accuracy_entry(cell)}
        for name in groups:
            part = None if cell.missing else cell.of(by, name)
            shown = Entry("") if part is None else accuracy_entry(part)
            entry[f"{by}_{name}"] = replace(shown, page=questions_page(cell, **{by: name})) if shown.page else shown
        table.rows.append(entry)
    return table


def quarantine(sources: Sources) -> Table:
    """Rejected videos per dataset and stage, with reasons, and the benchmarks they would have belonged to."""
    columns = [
        Column("dataset", "Dataset", numeric=False),
        Column("stage", "Stage", numeric=False),
        Column("total", "Videos given"),
        Column("rejected", "Quarantined"),
        Column("reasons", "Reasons", numeric=False),
        Column("benchmarks", "Benchmarks touched", numeric=False),
    ]
    table = Table(
        "quarantine",
        "Quarantined videos",
        "A bad video is left out and counted, never swapped for another.",
        columns,
    )
    for item in sources.quarantined:
        reasons = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in item.reasons.items())
        table.rows.append(
            {
                "dataset": words(item.dataset),
                "stage": words(item.stage),
                "total": number(item.total, 0, files=(item.file,)),
                "rejected": number(item.rejected, 0, files=(item.file,)),
                "reasons": words(reasons or "none"),
                "benchmarks": words(", ".join(item.benchmarks) if item.rejected and item.benchmarks else "none"),
            }
        )
    return table


def claims(sources: Sources) -> Table:
    """Every claim with the paper's number, ours, the verdict and the rule that decided."""
    columns = [
        Column("statement", "Statement", numeric=False, width=0.3),
        Column("id", "Claim", numeric=False),
        Column("paper", "Paper", numeric=False, width=0.09),
        Column("location", "Where", numeric=False, width=0.1),
        Column("scale", "Scale", numeric=False),
        Column("value", "Paper's value", width=0.06),
        Column("ours", "Ours", width=0.08),
        Column("status", "Verdict", numeric=False, width=0.09),
        Column("rule", "Decided by", numeric=False, width=0.2),
    ]
    table = Table("claims", "Claims ledger", "Every verdict is computed by the stated rule.", columns, long=True)
    for verdict in sources.verdicts:
        claim = verdict.claim
        scale = "arithmetic" if claim.kind == "arithmetic" else claim.scale
        table.rows.append(
            {
                "id": words(claim.id),
                "paper": words(verdict.paper),
                "location": words(claim.location),
                "statement": words(claim.statement),
                "scale": words(scale),
                "value": Entry("") if claim.value is None else Entry(f"{claim.value:g} {claim.unit}".strip(), claim.value),
                "ours": ours(verdict),
                "status": words(verdict.status),
                "rule": words(verdict.reason),
            }
        )
    return table


def headlines(verdicts: list[Verdict]) -> list[tuple[Verdict, Entry]]:
    """The claims that a report begins with, whatever became of them, with the numbers behind them."""
    return [(verdict, ours(verdict)) for verdict in verdicts if verdict.claim.headline]


def unmet(verdicts: list[Verdict]) -> list[tuple[Verdict, Entry]]:
    """Every other claim that cells decided against or left open: contradicted ones first, with the numbers behind them."""
    rest = [verdict for verdict in verdicts if not verdict.claim.headline and verdict.claim.kind != "arithmetic"]
    return [
        (verdict, ours(verdict)) for status in ("contradicted", "inconclusive") for verdict in rest if verdict.status == status
    ]


def ours(verdict: Verdict) -> Entry:
    """The number behind a verdict, in its unit."""
    if verdict.value is None:
        return Entry("")
    digits = 1 if verdict.unit.startswith(("points", "%")) else 2
    sign = "+" if verdict.unit.startswith("points") else ""
    text = f"{verdict.value:{sign}.{digits}f}" if verdict.low is not None else f"{verdict.value:.6g}"
    return Entry(
        minus(f"{text} {verdict.unit}".strip()), verdict.value, verdict.low, verdict.high, files=verdict.files, digits=digits
    )


def problems(sources: Sources) -> Table:
    """Everything missing, unreadable or contradictory in the results."""
    columns = [
        Column("place", "Where", numeric=False, width=0.25),
        Column("what", "What", numeric=False, width=0.4),
        Column("file", "File", numeric=False, width=0.3),
    ]
    table = Table(
        "problems", "Gaps and contradictions", "What the results folder lacks or contradicts itself in.", columns, long=True
    )
    for problem in sources.problems:
        file = _inside(problem.file, sources.layout.root) if problem.file else ""
        table.rows.append({"place": words(problem.place), "what": words(problem.what), "file": words(file)})
    return table


def _inside(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _control(verdicts: list[Verdict], variant: str, sampling: str, benchmark: str) -> str:
    for verdict in verdicts:
        test, needs = verdict.claim.test, verdict.claim.needs
        if isinstance(test, Within) and test.of == "chance" and len(needs) == 1:
            need = needs[0]
            if (need.variant, need.sampling, need.benchmark) == (variant, sampling, benchmark):
                return f"within {test.tolerance:g} points of chance: {verdict.status}"
    return "no claim"
