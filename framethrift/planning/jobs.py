"""The study's real jobs and what each waits for, as Snakemake itself plans them in a dry run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from framethrift.integrity.planned import planned_jobs


@dataclass(frozen=True)
class Job:
    """One job: its rule, its wildcards, and the places in the list of the jobs it waits for."""

    rule: str
    wildcards: dict[str, str]
    after: tuple[int, ...]


def study_jobs(study: str, overrides: Sequence[str] = ()) -> list[Job]:
    """Every job of the study, as if nothing had been computed yet. Nothing is run.

    Raises PlanError when Snakemake refuses the study.
    """
    found = planned_jobs([], [f"study={study}", f"set={json.dumps(list(overrides), ensure_ascii=False)}"], "--forceall")
    made = {path: number for number, job in enumerate(found) for path in job.outputs}
    return [Job(job.rule, job.names, tuple(sorted({made[path] for path in job.inputs if path in made}))) for job in found]
