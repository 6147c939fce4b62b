"""`framethrift plan` on real studies."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from framethrift.cli.app import app
from framethrift.config import load_study
from framethrift.integrity import planned
from framethrift.planning.assumptions import PlanError, assumptions
from framethrift.planning.estimate import Plan, make_plan
from framethrift.planning.jobs import Job, study_jobs
from framethrift.planning.survival import preemption_rate, survive, tasks

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the project's folder, without a network."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a plan must not reach for the network"))


@pytest.fixture(scope="module")
def paper() -> tuple[list[Job], Plan]:
    jobs = study_jobs(str(ROOT / "config/studies/paper.yaml"))
    return jobs, make_plan(load_study(ROOT / "config/studies/paper.yaml"), jobs, assumptions([]))


def test_the_jobs_are_snakemakes_own(paper: tuple[list[Job], Plan]) -> None:
    jobs, _ = paper
    places = {(job.rule, *job.wildcards.values()): number for number, job in enumerate(jobs)}
    assert len(places) == len(jobs)
    joint = jobs[places["joint", "msjoe", "0"]]
    assert {places["sampler", "sampler", "0"], places["videolm", "llava", "0"], places["clip",]} <= set(joint.after)
    study = load_study("paper")
    assert {job.wildcards["variant"] for job in jobs if job.rule == "evaluate"} == {v for v, _ in study.evaluations()}
    report = jobs[places["report",]]
    assert set(report.after) >= {number for number, job in enumerate(jobs) if job.rule in ("evaluate", "latency", "retrieval")}


def test_the_paper_stages_are_near_what_arithmetic_says(paper: tuple[list[Job], Plan]) -> None:
    _, plan = paper
    stages = {stage.label: stage for stage in plan.stages}
    tuned = stages["videolm cope"]
    assert (tuned.steps, tuned.samples) == (10_900, 1_395_200)
    # 40 s are 5 GOPs of 880 tokens: 6 FLOPs per weight and token, attention and tower on top.
    plain = 6 * 7.07e9 * (5 * 880 + 140) * 1_395_200
    assert plain < tuned.flops < 1.5 * plain
    assert tuned.memory is not None and tuned.memory.state == pytest.approx(16 * 8_042_096_192, rel=1e-9)
    assert tuned.memory.activations_checkpointed < 0.2 * tuned.memory.activations
    aligned = stages["delta cope"]
    assert aligned.samples == 113_000 * 1024
    assert 2 * 2 * 0.39e9 * 729 < aligned.step_flops / 1024 < 2 * (2 * 2 * 0.39e9 * 729)
    assert 100 < aligned.gpu_seconds / 3600 < 768  # the paper's own, at an unknown utilisation
    assert plan.gpu_hours() == pytest.approx(sum(plan.gpu_hours(rule) for rule in {stage.rule for stage in plan.stages}))
    # Every sampling fits into the context that the study states; the published one holds 37 GOPs of 880 tokens.
    assert not any("exceeds the context" in note for note in plan.notes)
    narrow = load_study("paper", ["models.language.context=32768"])
    shown = make_plan(narrow, [Job("evaluate", {"variant": "cope", "sampling": "cope_4k"}, ())], assumptions([])).notes
    assert len(shown) == 1 and shown[0].startswith("evaluate cope cope_4k: a video of mean length exceeds the context of 32,768")
    assert "videomme (55,660 visual tokens)" in shown[0] and shown[0].endswith("lower max_gops to 37")
    frames = load_study("paper", ["models.language.context=8192"])
    shown = make_plan(frames, [Job("evaluate", {"variant": "llava", "sampling": "uniform_64"}, ())], assumptions([])).notes
    assert "13,440" in shown[0] and shown[0].endswith("lower frames to 38")
    frames = load_study("paper", ["models.language.context=1900"])
    shown = make_plan(frames, [Job("evaluate", {"variant": "llava", "sampling": "q_frame_4_8_32"}, ())], assumptions([])).notes
    assert "1,928" in shown[0] and shown[0].endswith("lower high, mid or low")


def test_better_hardware_and_use_shorten_it(paper: tuple[list[Job], Plan]) -> None:
    jobs, plan = paper
    study = load_study("paper")
    small = [job for job in jobs if job.rule in ("delta", "vision")]
    slow = make_plan(study, [Job(job.rule, job.wildcards, ()) for job in small], assumptions(["mfu=0.2"]))
    assert slow.gpu_hours("delta") == pytest.approx(2 * plan.gpu_hours("delta"))


def test_low_rank_adapters_leave_little_to_learn() -> None:
    study = load_study("paper", ["training.videolm.lora={rank: 64}"])
    (tuned,) = make_plan(study, [Job("videolm", {"variant": "cope"}, ())], assumptions([])).stages
    # Per block of Qwen2-7B: q, o 2·7168; k, v 2·4096; gate, up, down 3·22528 columns and rows.
    adapters = 64 * 28 * (2 * 7168 + 2 * 4096 + 3 * 22528)
    assert tuned.trained == pytest.approx(8_042_096_192 - 7_615_616_512 + adapters, rel=1e-6)
    assert tuned.memory is not None and tuned.memory.optimiser == 8 * tuned.trained
    assert tuned.memory.parameters == pytest.approx(4 * (8_042_096_192 + adapters), rel=1e-6)


def test_one_node_without_preemption_is_the_sum_of_its_jobs(paper: tuple[list[Job], Plan]) -> None:
    jobs, plan = paper
    chain = [Job(job.rule, job.wildcards, (number - 1,) if number else ()) for number, job in enumerate(jobs)]
    alone = survive(plan, chain, 0.0, 2, 0, 600)
    assert alone.undisturbed.wall == pytest.approx(sum(plan.seconds(number) for number in range(len(jobs))))
    disturbed = survive(plan, jobs, 0.05, 5, 0, 600)
    assert disturbed.undisturbed.lost == 0 < disturbed.spread("lost")[0]
    assert disturbed.spread("wall")[0] > disturbed.undisturbed.wall
    assert sum(task.nodes for task in tasks(plan, jobs)) == 8 * 24  # 4 delta, 7 videolm, 4 samplers and 9 joint


@pytest.mark.parametrize("study", ["tests/workflow/tiny.yaml", "mini", "small"])
def test_the_command_plans_other_studies_by_the_same_code(study: str) -> None:
    done = CliRunner().invoke(app, ["plan", study, "--json", "--nodes", "1", "--gpus-per-node", "1"], catch_exceptions=False)
    found = json.loads(done.stdout)
    rules = {stage["rule"] for stage in found["stages"]}
    assert {"vision", "clip", "delta", "videolm", "sampler", "joint", "evaluate"} <= rules
    trained = [stage for stage in found["stages"] if stage["rule"] in ("vision", "clip", "delta", "sampler", "joint")]
    assert all(stage["flops"] > 0 and stage["memory"]["parameters"] > 0 for stage in trained)
    assert found["gpu_hours"] > 0
    assert {note.partition(": ")[2] for note in found["notes"]} <= {"what the reducers save is not counted"}


def test_the_command_simulates_and_prints() -> None:
    common = ["plan", "tests/workflow/tiny.yaml", "--nodes", "2", "--preempt", "0.5/h", "--seed", "1", "--repeats", "3"]
    found = json.loads(CliRunner().invoke(app, [*common, "--json"], catch_exceptions=False).stdout)
    assert found["simulation"]["runs"] == 3
    mean, low, high = found["simulation"]["mean_and_middle_95"]["wall"]
    assert low <= mean <= high and found["simulation"]["undisturbed"]["lost"] == 0
    text = CliRunner().invoke(app, common, catch_exceptions=False).stdout
    assert "2 nodes with 8 A100, 0.5 preemptions per node and hour, 3 simulated runs" in text and "best (Young, Daly)" in text
    whole = CliRunner().invoke(app, common[:2], catch_exceptions=False).stdout
    assert "language_model" in whole and "samples that fit" in whole and "GPU-hours" in whole and "mfu" in whole


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preempt", "often"], "preempt 'often': expected preemptions per node"),
        (["--preempt", "-1/h"], "must be a number of at least 0"),
        (["--assume", "speed=3"], "assumption 'speed=3': expected name=value"),
        (["--assume", "mfu=2"], "mfu 2: "),
        (["--gpu", "abacus"], "gpu 'abacus'"),
    ],
)
def test_impossible_options_are_named(arguments: list[str], message: str) -> None:
    with pytest.raises(PlanError, match=message.replace("(", r"\(")):
        CliRunner().invoke(app, ["plan", "mini", *arguments], catch_exceptions=False)


def test_unknown_sizes_are_asked_for() -> None:
    study = load_study("paper", ["datasets.other={kind: official, recipe: cope, listing: a, folder: b, licence: c}"])
    with pytest.raises(PlanError, match=r"datasets\.other: its size is unknown"):
        make_plan(study, [Job("codec", {"dataset": "other"}, ())], assumptions([]))


def test_a_rule_that_nothing_estimates_is_said() -> None:
    plan = make_plan(load_study("mini"), [Job("polish", {}, ())], assumptions([]))
    assert plan.notes == ["polish: nothing here estimates this rule; 300 s are assumed"]
    assert plan.seconds(0) == pytest.approx(plan.given.overhead + 300)


def test_rates() -> None:
    assert [preemption_rate(text) for text in ("0.05/h", "1.2/d", "0.05")] == pytest.approx([0.05] * 3)


def test_snakemakes_own_complaint_is_passed_on() -> None:
    with pytest.raises(planned.PlanError, match="does not divide gop"):
        study_jobs("mini", ["recipes.motion.window=5"])
