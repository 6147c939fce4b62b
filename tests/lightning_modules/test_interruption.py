"""When a job ends, and when a training leaves it."""

import time
from datetime import datetime
from pathlib import Path

import pytest

from lightning_modules.interruption import END_VARIABLE, Interruption, job_end


class Clock:
    """A clock set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (END_VARIABLE, "SLURM_JOB_END_TIME", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)


def squeue(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "squeue"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("SLURM_JOB_ID", "17")


def test_nothing_ends_outside_a_job() -> None:
    assert job_end(print) is None
    assert Interruption(None).reason(1e9, 1e9) is None


@pytest.mark.parametrize("name", [END_VARIABLE, "SLURM_JOB_END_TIME"])
def test_the_environment_says_when(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1700000000")
    assert job_end(print) == 1.7e9


def test_an_impossible_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(END_VARIABLE, "tomorrow")
    with pytest.raises(ValueError, match="FRAMETHRIFT_JOB_END='tomorrow'"):
        job_end(print)


def test_an_older_slurm_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squeue(tmp_path, monkeypatch, '[ "$2" = --jobs=17 ] && echo 2030-01-02T03:04:05')
    assert job_end(print) == time.mktime(datetime(2030, 1, 2, 3, 4, 5).timetuple())


@pytest.mark.parametrize("script", ["echo N/A", "exit 1", "echo"])
def test_an_unknown_end_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    squeue(tmp_path, monkeypatch, script)
    said: list[str] = []
    assert job_end(said.append) is None
    assert "the end of SLURM job 17 is unknown" in said[0]


def test_leaves_a_tenth_of_a_short_job_and_five_minutes_of_a_long_one() -> None:
    clock = Clock()
    short, long = Interruption(100.0, clock), Interruption(36000.0, clock)
    clock.now = 89.0
    assert short.reason(0.1, 0.1) is None
    clock.now = 91.0
    assert short.reason(0.1, 0.1) == "9 s are left of the job's time"
    clock.now = 36000 - 301.0
    assert long.reason(1, 1) is None
    clock.now = 36000 - 299.0
    assert long.reason(1, 1) is not None


def test_a_slow_save_leaves_earlier() -> None:
    clock = Clock()
    interruption = Interruption(36000.0, clock)
    clock.now = 36000 - 1300.0
    assert interruption.reason(step_seconds=50, save_seconds=600) is None
    clock.now = 36000 - 1299.0
    assert interruption.reason(step_seconds=50, save_seconds=600) is not None
