"""`snakemake --profile slurm` on a real SLURM, with everything going wrong that does on one.

A node dies under a training on two nodes, a job is requeued, one hits its time limit, one is killed for its memory. The models
must come out as those of commands that nothing disturbed.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from framethrift.config.site import load_site
from framethrift.tracking.spool import read_events
from tests.slurm.accidents import Accident, Hang, NodeCrash, Requeue
from tests.slurm.cluster import Cluster

pytestmark = pytest.mark.xdist_group("slurm")
ROOT = Path(__file__).parents[2]
SITE = ROOT / "tests/slurm/site.yaml"
STUDY = ROOT / "tests/workflow/tiny.yaml"
LONGER = [
    f"training.{stage}.{name}={value}"
    for stage, steps in (("clip", 200), ("delta", 60), ("videolm", 60))
    for name, value in (("steps", steps), ("checkpoint_every", 5))
]
TARGETS = [f"results/tiny/cells/cope/{sampling}/seed0/cells.json" for sampling in ("cope_1k", "rgb_1k")]
TARGETS.append("results/tiny/models/clip/framethrift.json")
SECONDS = 900  # to end a run that hangs; it takes 200 s where nothing else runs
BIN = Path(sys.executable).parent


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "PYTEST_"))}
    path = f"{BIN}{os.pathsep}{kept['PATH']}"
    # The host's name may lead nowhere; all nodes are here.
    return kept | {"PATH": path, "FRAMETHRIFT_SITE": str(SITE), "PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1"}


def resources() -> list[str]:
    """The profile's, but for memory and time that suit a host of a few GB; CLIP asks for too little of both, at first."""
    site = load_site(SITE)
    by_rule = {rule: site.model(2000, 10) for rule in ("videos", "codec", "tokenizer", "vision", "evaluate")}
    by_rule["clip"] = site.model(2000, 10) | {"mem_mb": "400 * attempt ** 2", "runtime": "1 if attempt < 3 else 5"}
    by_rule |= {stage: site.training(stage, 2500, 10) for stage in ("delta", "videolm")}
    return [f"{rule}:{name}={value}" for rule, given in by_rule.items() for name, value in given.items()]


@pytest.fixture(scope="module")
def disturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[Accident]]:
    """The folder of the run, what Snakemake said, and the accidents."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("Snakefile", "config", "workflow", "slurm"):
        (folder / name).symlink_to(ROOT / name)
    saved = folder / "results/tiny/checkpoints"
    accidents: list[Accident] = [
        NodeCrash("delta", saved / "delta", cluster),
        Requeue("videolm", saved / "videolm", cluster),
        Hang("clip", saved / "clip", cluster),
    ]
    command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--config", f"study={STUDY}", f"set={json.dumps(LONGER)}"]
    command += ["--set-resources", *resources(), "--set-threads", "delta=1", "videolm=1", "clip=1", "vision=1", "evaluate=1"]
    command += ["--slurm-init-seconds-before-status-checks", "8", "--latency-wait", "10", *TARGETS]
    began = time.monotonic()
    with (folder / "console").open("w") as console:
        running = subprocess.Popen(command, cwd=folder, env=environment(), stdout=console, stderr=subprocess.STDOUT)
        try:
            while running.poll() is None and time.monotonic() - began < SECONDS:
                for accident in accidents:
                    accident.watch()
                time.sleep(0.05)
        finally:
            if running.poll() is None:
                running.kill()
                running.wait()
    said = (folder / "console").read_text()
    assert running.returncode == 0, said[-8000:]
    figures = {
        "jobs": len(re.findall(r"^Finished jobid", said, re.MULTILINE)),
        "retries": len(re.findall(r"^Trying to restart job", said, re.MULTILINE)),
        "kills survived": len(accidents) + 1,
        "seconds": round(time.monotonic() - began),
    }
    print(f"\nSLURM: {figures}", file=sys.__stderr__)
    return folder, said, accidents


def test_every_accident_happened_and_was_survived(disturbed: tuple[Path, str, list[Accident]]) -> None:
    folder, said, accidents = disturbed
    assert all(accident.happened for accident in accidents), accidents
    assert all((folder / target).is_file() for target in TARGETS)
    assert re.search(r"SLURM status is: '(OUT_OF_MEMORY|FAILED)'", said), "no job was killed for its memory"
    assert "Submitted array job" in said
    for stage in ("delta/cope-seed0", "videolm/cope-seed0", "clip/clip"):
        log = (folder / f"results/tiny/logs/{stage}.log").read_text()
        assert re.search(r"resuming from step=\d+\.ckpt", log), stage


def test_the_console_names_the_logs_of_a_failed_job(disturbed: tuple[Path, str, list[Accident]]) -> None:
    said = disturbed[1]
    assert re.search(r"log: results/tiny/logs/clip/clip\.log", said)
    assert re.search(r"results/slurm/rule_\w+/\S*\d+\.log", said)


def test_models_are_those_of_an_undisturbed_run(disturbed: tuple[Path, str, list[Accident]], tmp_path: Path) -> None:
    """Bit by bit where one process trained. Where two shared the batch, rounding grows with the steps: the data are the same."""
    folder = disturbed[0]
    results = tmp_path / "results/tiny"
    for part in ("videos", "codec", "models/tokenizer", "models/vision", "models/delta-cope", "receipts"):
        shutil.copytree(folder / "results/tiny" / part, results / part)
    shutil.move(results / "models/delta-cope", results / "models/delta-slurm")
    for command in (["clip"], ["delta", "--name", "cope"]):
        _command(tmp_path, *command)
    files = [
        json.loads((root / "models/clip/framethrift.json").read_text())["files"] for root in (results, folder / "results/tiny")
    ]
    assert files[0] == files[1]
    alone, both = (delta_metrics(root) for root in (results, folder / "results/tiny"))
    assert alone.keys() == both.keys() == {20, 40, 60}
    for step in alone:
        assert both[step]["loss_of_copying"] == pytest.approx(alone[step]["loss_of_copying"], rel=1e-4)
        assert both[step]["loss"] == pytest.approx(alone[step]["loss"], rel=0.01)
    shutil.rmtree(results / "models/delta-cope")
    shutil.move(results / "models/delta-slurm", results / "models/delta-cope")
    shutil.copytree(folder / "results/tiny/receipts", results / "receipts", dirs_exist_ok=True)
    _command(tmp_path, "videolm", "--variant", "cope")
    files = [
        json.loads((root / "models/cope/seed0/framethrift.json").read_text())["files"]
        for root in (results, folder / "results/tiny")
    ]
    assert files[0] == files[1]


def _command(folder: Path, *words: str) -> None:
    longer = (word for field in LONGER for word in ("--set", field))
    command = [str(BIN / "framethrift"), *words, "--study", str(STUDY), *longer]
    done = subprocess.run(command, cwd=folder, env=environment(), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


def delta_metrics(results: Path) -> dict[int, dict[str, float]]:
    """Step → what was logged last of it."""
    (spool,) = (results / "tracking/spool/delta/cope/seed0").glob("*.jsonl")
    return {event["step"]: event["metrics"] for event in read_events(spool) if "metrics" in event}
