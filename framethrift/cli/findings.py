"""Commands that look at what a study found."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from framethrift.cli.options import AsJson, Overrides, StudyName, open_study


def claims(
    study: StudyName = "mini",
    set_: Overrides = None,
    status: Annotated[str | None, typer.Option(help="Only claims with this verdict, e.g. contradicted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the claims ledger of both papers with the verdicts that the study's results give."""
    from framethrift.progress import Progress
    from framethrift.reporting.ledger import Status, count
    from framethrift.reporting.sources import read_sources

    if status is not None and status not in get_args(Status):
        raise typer.BadParameter(f"{status!r} is no verdict; allowed: {', '.join(get_args(Status))}", param_hint="--status")
    sources = read_sources(*open_study(study, set_), Progress("claims"))
    chosen = [verdict for verdict in sources.verdicts if status in (None, verdict.status)]
    if as_json:
        print(json.dumps([_facts(verdict) for verdict in chosen], ensure_ascii=False, indent=1))
        return
    for verdict in chosen:
        claim = verdict.claim
        print(f"{verdict.status:16} {claim.id}: {claim.statement}")
        print(f"{'':16} {verdict.paper}, {claim.location}. {_numbers(verdict)}{verdict.reason}")
    counts = ", ".join(f"{number} {name}" for name, number in count(sources.verdicts).items())
    print(f"\n{len(sources.verdicts)} claims in study {sources.study.name}: {counts}")


def compare(
    first: Annotated[Path, typer.Argument(help="A results folder, e.g. results/mini.")],
    second: Annotated[Path, typer.Argument(help="Another one: another revision, seed or cluster.")],
    out: Annotated[Path, typer.Option(help="Folder to write the page to.")] = Path("reports/comparison"),
    as_json: Annotated[bool, typer.Option("--json", help="Print every cell as JSON, write no page.")] = False,
) -> None:
    """Compare two results folders: every cell of both, and which moved beyond noise."""
    from framethrift.reporting.compare import compare as compare_folders
    from framethrift.reporting.compare import write_comparison

    found = compare_folders(first, second)
    moved = [item for item in found.moved if item.beyond_noise]
    if as_json:
        cells = [
            {"cell": str(i.key), "moved": i.beyond_noise, "corrected": i.corrected, **asdict(i.difference)} for i in found.moved
        ]
        print(json.dumps(cells, ensure_ascii=False, indent=1))
        return
    for item in moved:
        print(f"{item.key}: {100 * item.difference.value:+.1f} points, corrected p = {item.corrected:.2g}")
    print(f"{len(moved)} of {len(found.moved)} cells moved beyond noise: {write_comparison(found, first, second, out)}")


def publish(
    study: StudyName = "small",
    set_: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to [default: reports/published/<study>].")] = None,
) -> None:
    """Render a report to keep in git: tables, figures, pages and a README, in a few megabytes, from the files in results/."""
    from framethrift.progress import Progress
    from framethrift.reporting.publish import publish as publish_report
    from framethrift.tracking.provenance import revision

    with Progress("publish", unit="parts") as progress:
        progress.say(f"{publish_report(*open_study(study, set_), progress, revision=revision(), target=out)}")


def _numbers(verdict: Any) -> str:
    from framethrift.reporting.tables_audit import ours

    claim, own = verdict.claim, ours(verdict)
    told = [f"Paper: {claim.value:g} {claim.unit}".strip()] if claim.value is not None else []
    told += [f"ours: {own.text} {own.interval}".strip()] if own.text else []
    return "; ".join(told) + ". " if told else ""


def _facts(verdict: Any) -> dict[str, Any]:
    claim = verdict.claim
    return {
        "paper": verdict.paper,
        **claim.model_dump(mode="json"),
        "status": verdict.status,
        "reason": verdict.reason,
        "ours": {name: getattr(verdict, name) for name in ("value", "low", "high", "p_value", "unit")},
        "files": [str(file) for file in verdict.files],
    }


COMMANDS: list[Callable[..., None]] = [claims, compare, publish]
