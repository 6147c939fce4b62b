"""`framethrift plan`: what a study takes, before anything is bought or downloaded."""

import json
from typing import Annotated

import typer

from framethrift.cli.options import AsJson, Overrides, StudyName
from framethrift.config import load_study


def plan(
    study: StudyName = "paper",
    set_: Overrides = None,
    assume: Annotated[
        list[str] | None, typer.Option(help="Another assumption: name=value, of the names that the plan prints.")
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Nodes.")] = 8,
    gpus_per_node: Annotated[int, typer.Option(min=1, help="GPUs per node.")] = 8,
    gpu: Annotated[str, typer.Option(help="GPU: A100, H100, H200, L40S or RTX4090.")] = "A100",
    preempt: Annotated[
        str | None, typer.Option(help="Simulate the study on nodes that are preempted this often each, e.g. 0.05/h.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Simulated runs.")] = 20,
    away: Annotated[float, typer.Option(min=0, help="Minutes until a preempted node is back.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Estimate a study's parameters, memory, FLOPs and GPU-hours, and simulate it on nodes that are preempted."""
    from framethrift.planning.assumptions import assumptions
    from framethrift.planning.describe import describe, describe_survival
    from framethrift.planning.estimate import make_plan
    from framethrift.planning.jobs import study_jobs
    from framethrift.planning.survival import preemption_rate, survive

    rate = None if preempt is None else preemption_rate(preempt)
    given = assumptions(assume or [], nodes=nodes, gpus_per_node=gpus_per_node, gpu=gpu)
    loaded = load_study(study, set_ or [])
    jobs = study_jobs(study, set_ or [])
    planned = make_plan(loaded, jobs, given)
    survival = None if rate is None else survive(planned, jobs, rate, repeats, seed, 60 * away)
    if as_json:
        simulated = {} if survival is None else {"simulation": survival.as_json()}
        print(json.dumps(planned.as_json() | simulated, indent=1, ensure_ascii=False))
    else:
        print(describe(planned) if survival is None else describe_survival(survival, given))
