"""What Snakemake would run, from Snakemake itself: a dry run in this process, with its structured messages kept."""

import contextlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framethrift.config.digest import ROOT


class PlanError(RuntimeError):
    """Snakemake cannot plan; the message is its own."""


@dataclass(frozen=True)
class Planned:
    """A job that would run: its rule, wildcards, declared files, and Snakemake's reason."""

    rule: str
    names: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reason: str


def planned_jobs(targets: Sequence[str], config: Sequence[str], *options: str) -> list[Planned]:
    """The jobs, in Snakemake's order, that would make `targets` (none: the whole study) from the working folder's results.

    `config` are words for `snakemake --config`. Raises PlanError with Snakemake's message when it cannot plan.
    """
    from snakemake.cli import main

    kept: list[Planned] = []

    def keep(record: logging.LogRecord) -> bool:
        facts: dict[str, Any] = record.__dict__
        if getattr(facts.get("event"), "value", None) == "job_info":
            names = {name: str(value) for name, value in dict(facts["wildcards"] or {}).items()}
            inputs, outputs = (tuple(map(str, facts[kind] or ())) for kind in ("input", "output"))
            kept.append(Planned(facts["rule_name"], names, inputs, outputs, facts["reason"]))
        return True

    said = io.StringIO()
    words = ["--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "workflow/profiles/default"), "--directory", "."]
    words += ["--dry-run", "--nolock", *options, "--config", *config, "--", *targets]
    logger = logging.getLogger("snakemake.logging")
    logger.addFilter(keep)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            main(words)
    except SystemExit as end:
        if end.code:
            raise PlanError(said.getvalue().strip()) from None
    finally:
        logger.removeFilter(keep)
    return [job for job in kept if job.outputs]
