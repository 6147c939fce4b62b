"""What Snakemake would run, from Snakemake itself: a dry run, with its structured messages kept.

It is a process of its own, because a Snakefile is executed in Snakemake's module: what it imports would stay there.
"""

import contextlib
import io
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    words = ["--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "workflow/profiles/default"), "--directory", "."]
    words += ["--dry-run", "--nolock", *options, "--config", *config, "--", *targets]
    done = subprocess.run([sys.executable, "-m", __name__, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlanError(done.stderr.strip())
    found = json.loads(done.stdout.splitlines()[-1])
    return [Planned(**facts | {kind: tuple(facts[kind]) for kind in ("inputs", "outputs")}) for facts in found]


def _print_plan(words: Sequence[str]) -> None:
    from snakemake.cli import main

    kept: list[dict[str, Any]] = []

    def keep(record: logging.LogRecord) -> bool:
        facts: dict[str, Any] = record.__dict__
        if getattr(facts.get("event"), "value", None) == "job_info" and facts["output"]:
            names = {name: str(value) for name, value in dict(facts["wildcards"] or {}).items()}
            inputs, outputs = (tuple(map(str, facts[kind] or ())) for kind in ("input", "output"))
            kept.append(asdict(Planned(facts["rule_name"], names, inputs, outputs, facts["reason"])))
        return True

    said = io.StringIO()
    logging.getLogger("snakemake.logging").addFilter(keep)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            main(words)
    except SystemExit as end:
        if end.code:
            raise SystemExit(said.getvalue()) from None
    print(json.dumps(kept))


if __name__ == "__main__":
    _print_plan(sys.argv[1:])
