"""An interrupted workflow goes on; a living one is left alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from framethrift import unlock

SNAKEFILE = """
rule slow:
    output: "done.txt"
    shell: "sleep {config[seconds]}; touch {output}"
"""


def _snakemake(folder: Path, seconds: int) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--cores", "1", "--config", f"seconds={seconds}"]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A folder in which Snakemake was killed with a job at work."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    process = subprocess.Popen(_snakemake(tmp_path, 600), cwd=tmp_path, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list((tmp_path / ".snakemake" / "incomplete").glob("*")):  # written when the job starts
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    assert unlock.working(tmp_path, "snakemake")
    unlock.prepare(tmp_path, [])
    assert list((tmp_path / ".snakemake" / "locks").glob("*.lock")), "the lock of a living Snakemake was taken away"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return tmp_path


def test_a_killed_run_goes_on(killed: Path) -> None:
    again = _snakemake(killed, 0)
    refused = subprocess.run([*again, "--rerun-incomplete"], cwd=killed, capture_output=True, text=True, check=False)
    assert refused.returncode != 0 and "lock" in refused.stderr
    unlock.prepare(killed, ["--cores", "1", "--rerun-incomplete", "--config", "seconds=0"])
    subprocess.run([*again, "--rerun-incomplete"], cwd=killed, check=True, capture_output=True)
    assert (killed / "done.txt").exists()


def test_a_left_over_step_is_waited_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unlock, "POLL", 0.05)
    program = tmp_path / "framethrift"
    program.write_text("import time; time.sleep(600)")
    step = subprocess.Popen([sys.executable, str(program), "--log", "x.log", "delta"], cwd=tmp_path)
    other = subprocess.Popen([sys.executable, str(program), "ask"], cwd=tmp_path)
    try:
        while not unlock.working(tmp_path, "framethrift"):
            time.sleep(0.02)
        waiting = threading.Thread(target=unlock.prepare, args=(tmp_path, []))
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        step.kill()
        step.wait()
        waiting.join(10)
        assert not waiting.is_alive(), "a command that is no step of the workflow was waited for"
    finally:
        step.kill()
        other.kill()
        step.wait()
        other.wait()
    said = capfd.readouterr().err
    assert said.count("waiting for a step") == 1
    assert f"kill {step.pid}" in said and "delta" in said


def test_a_clean_folder_needs_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    unlock.prepare(tmp_path, [])
    assert capfd.readouterr().err == ""
