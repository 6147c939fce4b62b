"""The study's real jobs, as Snakemake itself plans them in a dry run."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.planning.assumptions import PlanError

SNAKEFILE = Path("Snakefile")


@dataclass(frozen=True)
class Job:
    """One job: its rule, its wildcards, and the places in the list of the jobs it waits for."""

    rule: str
    wildcards: dict[str, str]
    after: tuple[int, ...]


class _Planned(logging.Handler):
    """Collects what Snakemake logs about each job."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = record.__dict__
        if str(facts.get("event")) == "job_info":
            self.jobs.append(facts)


def planned_jobs(study: str, overrides: Sequence[str] = (), snakefile: Path = SNAKEFILE) -> list[Job]:
    """Every job of the study, as if nothing had been computed yet; nothing is run and nothing is written but Snakemake's cache.

    Raises PlanError when there is no Snakefile here, or Snakemake refuses the study.
    """
    from snakemake.api import SnakemakeApi
    from snakemake.logging import logger
    from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings, StorageSettings

    if not snakefile.is_file():
        raise PlanError(f"there is no {snakefile} here: run this in the project's folder")
    handler = _Planned()
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"study": study, "set": list(overrides)}),
            storage_settings=StorageSettings(),
            snakefile=snakefile,
        )
        logger.addHandler(handler)
        try:
            workflow.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun")
        finally:
            logger.removeHandler(handler)
    found = [facts for facts in handler.jobs if facts["output"]]
    if not found:
        raise PlanError(f"Snakemake planned no job for study {study!r}")
    made = {str(path): number for number, facts in enumerate(found) for path in facts["output"]}
    return [
        Job(
            str(facts["rule_name"]),
            dict(facts["wildcards"]),
            tuple(sorted({made[str(path)] for path in facts["input"] if str(path) in made})),
        )
        for facts in found
    ]
