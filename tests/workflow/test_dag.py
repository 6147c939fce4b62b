"""What the DAG contains and what a change reruns."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from framethrift.config import load_study
from tests.workflow.conftest import ROOT, Run

pytestmark = pytest.mark.xdist_group("workflow")  # one process, so that the tiny study runs once
STAGES = set(
    [
        "videos",
        "codec",
        "tokenizer",
        "vision",
        "clip",
        "delta",
        "retrieval",
        "videolm",
        "pass_rates",
        "sampler",
        "joint",
        "evaluate",
        "latency",
        "dialogue",
        "report",
    ]
)


@pytest.mark.parametrize("study", ["mini", "small", "paper"])
def test_every_study_plans_every_stage(empty_run: Run, study: str) -> None:
    planned = empty_run.planned(study=ROOT / f"config/studies/{study}.yaml")
    assert set(planned) >= STAGES
    assert planned["report"] == 1


def test_the_paper_plans_within_ten_seconds(empty_run: Run) -> None:
    began = time.process_time(), time.perf_counter()
    planned = empty_run.planned(study=ROOT / "config/studies/paper.yaml")
    assert (planned["evaluate"], planned["arena"]) == (63, 4)
    # The training set, MSJoE's long videos, and every benchmark's source.
    assert planned["videos"] == planned["codec"] == len(load_study("paper").datasets) == 21
    assert time.perf_counter() - began[1] < 60  # the bar of 10 s is measured in perf/; a busy machine must not fail a test


def test_a_profiles_shards_divide_the_answering_and_nothing_else(empty_run: Run) -> None:
    study = ROOT / "config/studies/paper.yaml"
    whole, divided = empty_run.planned(study=study), empty_run.planned(study=study, config=("shards=16",))
    arena = load_study("paper").arena
    assert arena is not None
    whole["evaluate"] += whole.pop("arena") * len(arena.methods)  # sharded, its cells are jobs like any other
    assert "answer" not in whole and divided.pop("answer") == 16 * whole["evaluate"]
    assert {rule: jobs for rule, jobs in divided.items() if rule != "total"} == whole
    assert sum(divided.values()) + 16 * whole["evaluate"] <= 2000
    refused = empty_run.snakemake("--dry-run", config=("shards=0",))
    assert refused.returncode != 0 and "shards=0" in refused.stdout + refused.stderr


def test_an_arena_is_one_job_per_budget_and_table_g1_asks_for_it(empty_run: Run) -> None:
    study = ROOT / "config/studies/small.yaml"
    arena = load_study("small").arena
    assert arena is not None
    planned = empty_run.planned("table_g1", study=study)
    # Beside the arena the rows that keep all tokens: the arena's own, and those trained on Δ-tokens.
    assert (planned["arena"], planned["evaluate"], planned["table"]) == (len(arena.budgets), 3, 1)
    divided = empty_run.planned("table_g1", study=study, config=("shards=2",))
    assert "arena" not in divided
    # A cell's answers are divided by seed as well, and scored by one job.
    assert divided["evaluate"] == 3 + len(arena.budgets) * len(arena.methods) == divided["answer"] / (2 * 3)


def test_parsing_imports_no_torch() -> None:
    text = "import sys; from framethrift.config import Workflow; Workflow('paper', []); assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", text], cwd=ROOT, check=False).returncode == 0


def test_a_table_plans_its_own_cells_only(empty_run: Run) -> None:
    planned = empty_run.planned("table_h2", study=ROOT / "config/studies/small.yaml")
    assert (planned["videolm"], planned["evaluate"], planned["table"]) == (6, 4, 1)
    assert "sampler" not in planned and "report" not in planned
    done = empty_run.snakemake("table_f1", "--dry-run")
    assert done.returncode != 0 and "has no cells for table_f1" in done.stdout + done.stderr


def test_an_impossible_study_stops_before_the_dag(empty_run: Run) -> None:
    done = empty_run.snakemake("--dry-run", config=("set=recipes.motion.window=5",))
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "window 5 does not divide gop 16" in output
    assert "Traceback" not in output


def test_an_unknown_config_key_is_named(empty_run: Run) -> None:
    done = empty_run.snakemake("--dry-run", config=("stduy=mini",))
    assert done.returncode != 0
    assert "stduy" in done.stdout + done.stderr


def test_a_finished_study_has_nothing_to_do(finished_run: Run) -> None:
    assert finished_run.planned() == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("training.joint.learning_rate=2e-4", {"joint": 1, "evaluate": 1, "report": 1}),
        (
            "training.delta.learning_rate=2e-3",
            {"delta": 1, "retrieval": 1, "videolm": 1, "evaluate": 2, "arena": 1, "latency": 1, "dialogue": 1, "report": 1},
        ),
        (
            "latency=[{variant: cope, samplings: [cope_1k], output_tokens: 4, seconds: 2, repeats: 2}]",
            {"latency": 1, "report": 1},
        ),
        (
            "dialogues=[{variant: cope, sampling: cope_1k, benchmark: mini_motion, videos: 1, turns: 2}]",
            {"dialogue": 1, "report": 1},
        ),
        ("description=Another sentence.", {"report": 1}),
    ],
)
def test_a_changed_setting_reruns_what_depends_on_it(finished_run: Run, change: str, expected: dict[str, int]) -> None:
    planned = finished_run.planned(config=(f"set={change}",))
    assert {rule: jobs for rule, jobs in planned.items() if rule != "all"} == expected


def test_the_slurm_profile_is_found_from_the_root() -> None:
    assert (ROOT / "slurm").resolve() == (ROOT / "workflow/profiles/slurm").resolve()
    assert "study=paper" in (Path(ROOT) / "slurm/profile.v9+.yaml").read_text(encoding="utf-8")
