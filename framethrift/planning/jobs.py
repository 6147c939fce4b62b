"""The study's real jobs, as Snakemake itself plans them in a dry run.

`python -m framethrift.planning.jobs STUDY [FIELD=VALUE ...]` prints them as JSON. It is a process of its own because a Snakefile
is executed in Snakemake's module: what it imports would stay there.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.planning.assumptions import PlanError

SNAKEFILE = "Snakefile"


@dataclass(frozen=True)
class Job:
    """One job: its rule, its wildcards, and the places in the list of the jobs it waits for."""

    rule: str
    wildcards: dict[str, str]
    after: tuple[int, ...]


def planned_jobs(study: str, overrides: Sequence[str] = (), folder: Path = Path()) -> list[Job]:
    """Every job of the study, as if nothing had been computed yet; `folder` is the project's. Nothing is run.

    Raises PlanError when there is no Snakefile, or Snakemake refuses the study.
    """
    if not (folder / SNAKEFILE).is_file():
        raise PlanError(f"there is no {folder / SNAKEFILE}: run this in the project's folder")
    command = [sys.executable, "-m", __name__, study, *overrides]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlanError(f"Snakemake cannot plan study {study!r}:\n{done.stderr.strip()}")
    found = json.loads(done.stdout.splitlines()[-1])
    made = {path: number for number, facts in enumerate(found) for path in facts["output"]}
    return [
        Job(facts["rule"], facts["wildcards"], tuple(sorted({made[path] for path in facts["input"] if path in made})))
        for facts in found
    ]


class _Planned(logging.Handler):
    """Collects what Snakemake logs about each job that makes something."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = record.__dict__
        if str(facts.get("event")) == "job_info" and facts["output"]:
            paths = {name: [str(path) for path in facts[name]] for name in ("input", "output")}
            self.jobs.append({"rule": facts["rule_name"], "wildcards": dict(facts["wildcards"]), **paths})


def _print_jobs(study: str, overrides: Sequence[str]) -> None:
    from snakemake.api import SnakemakeApi
    from snakemake.logging import logger
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings, StorageSettings

    handler = _Planned()
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"study": study, "set": list(overrides)}),
            storage_settings=StorageSettings(),
            snakefile=Path(SNAKEFILE),
        )
        logger.addHandler(handler)
        workflow.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun")
    print(json.dumps(handler.jobs))


if __name__ == "__main__":
    _print_jobs(sys.argv[1], sys.argv[2:])
