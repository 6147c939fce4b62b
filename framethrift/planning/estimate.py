"""A study's estimate: every job of its DAG, what its models weigh, and the total beside the papers' own figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framethrift.config.study import Study
from framethrift.planning import inference, training
from framethrift.planning.assumptions import Assumptions, papers
from framethrift.planning.jobs import Job
from framethrift.planning.stage import Estimator, Stage

CHEAP = ("weights", "tokenizer", "curate", "judge", "report")


@dataclass(frozen=True)
class Plan:
    """Estimates of a study: one Stage per distinct job, and how many jobs (seeds, shards) share it."""

    study: str
    given: Assumptions
    parameters: dict[str, int]
    stages: list[Stage]
    counts: list[int]
    of_job: list[int]  # each job's place in `stages`
    notes: list[str]

    def seconds(self, job: int) -> float:
        """Wall-clock seconds of a job, once it has its GPUs; jobs that share a stage as shards have an equal part of it."""
        stage = self.stages[self.of_job[job]]
        width = self.given.gpus if stage.wide else 1
        return self.given.overhead + stage.gpu_seconds / width + stage.cpu_seconds / self.given.cores

    def gpu_hours(self, rule: str | None = None) -> float:
        """GPU-hours of a rule's jobs, or of all."""
        pairs = zip(self.stages, self.counts, strict=True)
        return sum(stage.gpu_seconds * count for stage, count in pairs if rule in (None, stage.rule)) / 3600

    def as_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        return {
            "study": self.study,
            "assumptions": self.given.model_dump() | {"board": self.given.board.model_dump()},
            "parameters": self.parameters,
            "stages": [stage.as_json() | {"jobs": count} for stage, count in zip(self.stages, self.counts, strict=True)],
            "gpu_hours": self.gpu_hours(),
            "papers": {rule: known.model_dump() for rule, known in papers().items()},
            "notes": self.notes,
        }


def make_plan(study: Study, jobs: Sequence[Job], given: Assumptions) -> Plan:
    """Estimate every job of a study. Raises PlanError for published data of unknown size."""
    estimator, notes = Estimator(study, given), []
    places: dict[tuple[str, str], int] = {}
    stages: list[Stage] = []
    of_job = []
    for job in jobs:
        stage_of = _stage(estimator, job)
        if stage_of is None:
            notes.append(f"{job.rule}: nothing here estimates this rule; {given.small_job:.0f} s are assumed")
            stage_of = Stage(job.rule, "", cpu_seconds=given.small_job * given.cores)
        key = stage_of.rule, stage_of.name
        if key not in places:
            places[key] = len(stages)
            stages.append(stage_of)
        of_job.append(places[key])
    counts = [of_job.count(place) for place in range(len(stages))]
    notes += [f"{stage.label}: {note}" for stage in stages for note in stage.notes]
    counted = estimator.networks(study.models).counts
    return Plan(study.name, given, counted, stages, counts, of_job, list(dict.fromkeys(notes)))


def _stage(estimator: Estimator, job: Job) -> Stage | None:
    rule, names = job.rule, job.wildcards
    if rule in ("videos", "codec"):
        return inference.data(estimator, rule, names["dataset"])
    if rule in ("vision", "clip"):
        return training.towers(estimator, rule)
    if rule in ("delta", "retrieval"):
        return (training.delta if rule == "delta" else inference.retrieval)(estimator, names["name"])
    if rule == "videolm" and names["variant"] in estimator.study.linked():
        return Stage(rule, names["variant"], cpu_seconds=estimator.given.small_job * estimator.given.cores)
    if rule in ("videolm", "sampler", "joint"):
        return {"videolm": training.videolm, "sampler": training.sampler, "joint": training.joint}[rule](
            estimator, names["variant"]
        )
    if rule in ("pass_rates", "latency"):
        return (inference.pass_rates if rule == "pass_rates" else inference.latency)(estimator, names["variant"])
    if rule in ("evaluate", "dialogue"):
        return (inference.evaluate if rule == "evaluate" else inference.dialogue)(estimator, names["variant"], names["sampling"])
    if rule == "arena":
        return inference.arena(estimator, names["variant"], int(names["budget"]))
    if rule in CHEAP:
        return Stage(rule, "", cpu_seconds=estimator.given.small_job * estimator.given.cores)
    return None
