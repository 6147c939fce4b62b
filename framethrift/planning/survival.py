"""A plan's jobs on preempted nodes: several simulated runs, their intervals, and how often each stage should checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framethrift.planning.assumptions import PlanError
from framethrift.planning.estimate import Plan
from framethrift.planning.jobs import Job
from framethrift.planning.simulation import Cluster, Outcome, Task, simulate, young_daly

HOUR = 3600.0


@dataclass(frozen=True)
class Survival:
    """Outcomes of the simulated runs, and of one without preemption."""

    rate: float  # preemptions per node and hour
    undisturbed: Outcome
    runs: list[Outcome]
    intervals: dict[str, tuple[float, float | None]]  # stage → seconds between checkpoints, and Young's and Daly's optimum

    def spread(self, name: str) -> tuple[float, float, float]:
        """Mean of a figure over the runs, and the bounds of the middle 95 % of them."""
        values = np.array([float(getattr(run, name)) for run in self.runs])
        low, high = np.quantile(values, [0.025, 0.975])
        return float(values.mean()), float(low), float(high)

    def as_json(self) -> dict[str, Any]:
        """Plain values: seconds, GPU-seconds, counts."""
        names = list(Outcome.__dataclass_fields__)
        return {
            "preemptions_per_node_hour": self.rate,
            "undisturbed": {name: getattr(self.undisturbed, name) for name in names},
            "runs": len(self.runs),
            "mean_and_middle_95": {name: self.spread(name) for name in names},
            "checkpoint_seconds": {
                stage: {"interval": interval, "young_daly": best} for stage, (interval, best) in self.intervals.items()
            },
        }


def tasks(plan: Plan, jobs: Sequence[Job]) -> list[Task]:
    """The jobs with their durations, as the simulation takes them."""
    made = []
    for number, job in enumerate(jobs):
        stage, seconds = plan.stages[plan.of_job[number]], plan.seconds(number)
        if not stage.gpu_seconds:
            made.append(Task(seconds, job.after))
            continue
        checkpoint = None
        if stage.checkpoint_every is not None:
            checkpoint = max(1.0, stage.checkpoint_every * (seconds - plan.given.overhead))
        width = {"nodes": plan.given.nodes} if stage.wide else {"gpus": 1}
        made.append(Task(seconds, job.after, checkpoint=checkpoint, **width))
    return made


def survive(plan: Plan, jobs: Sequence[Job], rate: float, repeats: int, seed: int, away: float) -> Survival:
    """Simulate the plan `repeats` times at `rate` preemptions per node and hour; nodes come back after `away` seconds.

    Raises PlanError when a stage checkpoints too seldom to ever finish.
    """
    given, planned = plan.given, tasks(plan, jobs)
    cluster = Cluster(given.nodes, given.gpus_per_node, rate / HOUR, away, given.overhead)
    try:
        runs = [simulate(planned, cluster, seed + number) for number in range(repeats)]
        calm = simulate(planned, Cluster(given.nodes, given.gpus_per_node), seed)
    except ValueError as error:
        raise PlanError(f"study {plan.study!r} at {rate:g} preemptions per node and hour: {error}") from error
    intervals: dict[str, tuple[float, float | None]] = {}
    for number, task in enumerate(planned):
        stage = plan.stages[plan.of_job[number]]
        if task.checkpoint is None or stage.memory is None:
            continue
        writing = 12 * stage.trained / (given.write_speed * 1e9)  # weights and both moments, 32 bits
        best = young_daly(writing, rate / HOUR * max(1, task.nodes)) if rate else None
        intervals[stage.label] = task.checkpoint, best
    return Survival(rate, calm, runs, intervals)


def preemption_rate(text: str) -> float:
    """Preemptions per node and hour of `0.05/h`, `1/d` or `0.05`. Raises PlanError for anything else."""
    number, _, unit = text.strip().partition("/")
    hours = {"": 1.0, "h": 1.0, "d": 24.0}
    try:
        rate = float(number) / hours[unit.strip()]
    except (ValueError, KeyError) as error:
        raise PlanError(f"preempt {text!r}: expected preemptions per node and hour or day, e.g. 0.05/h or 1/d") from error
    if not 0 <= rate < float("inf"):
        raise PlanError(f"preempt {text!r}: the rate must be a number of at least 0")
    return rate
