"""Steps and schedulers that die, disks that are full: nothing partial is taken for finished, and one command goes on."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.failures.conftest import Folder, new_folder

pytestmark = pytest.mark.xdist_group("failures")  # one process, so that the study runs once
VIDEOS = "results/spark/videos/motion/videos.parquet"
CODEC = "results/spark/codec/motion/videos.parquet"
TOKENIZER = "results/spark/models/tokenizer/framethrift.json"
STEP = (sys.executable, "-c", "from framethrift.cli import main; main()", "codec", "--study", "spark.yaml", "--dataset", "motion")


def _wait(for_what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not for_what():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)


def _codec_steps(folder: Folder) -> list[psutil.Process]:
    """Processes of the codec command itself (not of the shells around it) in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if "codec" in process.cmdline() and process.cwd() == str(folder.path.resolve()):
                found.append(process)
        except psutil.Error:  # gone meanwhile, or another user's
            continue
    return found


@pytest.fixture
def encoding(tmp_path: Path) -> tuple[Folder, subprocess.Popen[str]]:
    """A run that has just begun to re-encode, with a second branch beside it."""
    folder = new_folder(tmp_path / "run")
    process = folder.begin(CODEC, TOKENIZER, options=("--keep-going",))
    _wait(lambda: _codec_steps(folder), process)
    return folder, process


def test_a_killed_run_goes_on_with_the_commands_that_doctor_prints(encoding: tuple[Folder, subprocess.Popen[str]]) -> None:
    """F1 and F3: kill -9 of the whole process group in the middle of a rule; a second Snakemake while the first lives."""
    folder, process = encoding
    steps = _codec_steps(folder)
    for step in steps:  # on a busy machine it would be done before the second Snakemake has looked
        step.suspend()
    second = folder.snakemake(CODEC)
    assert second.returncode != 0 and "lock" in (second.stdout + second.stderr).lower()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(steps, timeout=60)[1], "a step outlived its process group"
    plain = folder.snakemake(CODEC)
    assert plain.returncode != 0, "the lock of a killed run is not ignored"
    answered = json.loads(folder.framethrift("doctor", "results/spark", "--json").stdout)
    assert answered["repairs"][0].endswith("--unlock") and not answered["healthy"]
    for command in answered["repairs"]:
        done = folder.command("bash", "-c", command.replace(" all", f" {TOKENIZER}"))
        assert done.returncode == 0, (command, done.stderr)
    done = folder.snakemake(CODEC, TOKENIZER)
    assert done.returncode == 0, done.stderr
    assert json.loads(folder.framethrift("doctor", "results/spark", "--json").stdout)["healthy"]


def test_a_killed_step_fails_alone(encoding: tuple[Folder, subprocess.Popen[str]]) -> None:
    """F2: kill -9 of one job; the others finish, and nothing of it is left to be read."""
    folder, process = encoding
    for step in _codec_steps(folder):
        step.kill()
    _, said = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "Error in rule codec" in said
    assert not (folder.path / CODEC).exists()
    assert not (folder.path / "results/spark/receipts/codec").exists()
    assert (folder.path / TOKENIZER).is_file()
    assert "results/spark/logs/codec/motion.log" in said
    done = folder.snakemake(CODEC)
    assert done.returncode == 0, done.stderr


def test_a_worker_that_the_kernel_kills_fails_the_step_and_does_not_hang_it(broken: Folder) -> None:
    """F22: out of memory, as it looks from inside."""
    for path in (broken.path / "results/spark/codec/motion").glob("*"):
        path.unlink()
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen([*STEP, "--jobs", "2"], cwd=broken.path, env=broken.environment, text=True, **pipes)
    workers: list[psutil.Process] = []

    def spawned() -> bool:
        workers[:] = [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]
        # One that dies while the other is still being started is another accident.
        return len(workers) == 2 and all(worker.cpu_times().user > 0.3 for worker in workers)

    _wait(spawned, process)
    workers[0].kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "terminated abruptly" in said
    assert not (broken.path / CODEC).exists()
    assert not (broken.path / f"results/spark/receipts/codec/motion/{Path(CODEC).name}.json").exists()


def test_a_full_disk_fails_the_step_and_leaves_nothing_to_be_read(broken: Folder) -> None:
    """F4, with a limit on file sizes in the place of a full disk: the error of a write is the same."""
    for path in (broken.path / "results/spark/codec/motion").glob("*"):
        path.unlink()

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    done = broken.command(*STEP, preexec_fn=small_files)
    assert done.returncode != 0
    assert not (broken.path / CODEC).exists()
    assert not list((broken.path / "results/spark/codec/motion").glob("*.mp4"))
    again = broken.command(*STEP)
    assert again.returncode == 0, again.stderr
    healthy = broken.framethrift("doctor", "results/spark", "--json")
    assert json.loads(healthy.stdout)["healthy"], healthy.stdout


def test_a_step_that_swallows_a_full_disk_gets_no_receipt(broken: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """F5: exit code 0 and half an output."""
    from framethrift.config import Workflow
    from framethrift.config.jobs import job
    from framethrift.integrity.receipts import IntegrityError, write_receipts

    monkeypatch.chdir(broken.path)
    flow = Workflow("spark.yaml", [])
    own = job(flow, "retrieval", name="cope", seed=0)
    write_receipts(flow.layout, flow.study, own, {}, [])
    output = Path(own.writes[0])
    output.write_bytes(output.read_bytes()[:200])
    with pytest.raises(IntegrityError, match=r"seed0.json is not valid JSON .*is the disk full"):
        write_receipts(flow.layout, flow.study, own, {}, [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(broken: Folder) -> None:
    """F21."""
    folder = broken.path / "results/spark/codec/motion"
    folder.chmod(0o500)
    done = broken.command(*STEP)
    folder.chmod(0o700)
    assert done.returncode != 0 and "codec/motion" in done.stderr
