"""A training command that spreads over GPUs and nodes."""

import os
import sys
from pathlib import Path

import pytest
import typer

from framethrift.cli import launch
from framethrift.progress import redirect_to


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (launch.LAUNCHED, "SLURM_JOB_ID", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)


def test_one_process_goes_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "execvp", lambda *_: pytest.fail("started another program"))
    launch.spread(1, 1, 8)
    monkeypatch.setenv(launch.LAUNCHED, "one of many")
    launch.spread(4, 2, 8)


def test_several_gpus_of_one_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command runs again under torchrun, and the launcher's own words do not go to the rule's log."""
    started: list[str] = []

    def replace(program: str, command: list[str]) -> None:
        os.write(2, b"torchrun speaks\n")
        started.extend([program, *command[1:]])

    monkeypatch.setattr(os, "execvp", replace)
    monkeypatch.setattr(sys, "argv", ["/bin/sh", "videolm", "--devices", "4"])
    with redirect_to(tmp_path / "log"):
        launch.spread(4, 1, 8)
    assert started[0] == sys.executable and started[-4:] == ["/bin/sh", "videolm", "--devices", "4"]
    assert {"--nproc-per-node=4", "--nnodes=1", "--standalone"} <= set(started)
    log = (tmp_path / "log").read_text()
    assert "starting 4 processes" in log and "torchrun speaks" not in log


def test_several_nodes_meet_on_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    command = launch.launch_command(8, 2, 64, ["framethrift", "videolm"])
    assert command[:5] == ["srun", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=64"]
    assert {"--kill-on-bad-exit=1", "--nnodes=2", "--nproc-per-node=8", "--rdzv-id=17"} <= set(command)
    assert any(word.startswith("--rdzv-endpoint=10.0.0.1:") for word in command)


def test_several_nodes_need_a_job() -> None:
    with pytest.raises(typer.BadParameter, match="there is no SLURM_JOB_ID"):
        launch.spread(1, 2, 8)
