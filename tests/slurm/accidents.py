"""What happens to jobs on a cluster, done on purpose: each accident waits for its moment and strikes once."""

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.slurm.cluster import Cluster


def job_processes(command: str) -> list[psutil.Process]:
    """The processes of `framethrift <command>` that run as steps of a SLURM job."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if len(words) > 4 and words[1].endswith("/framethrift") and command in words and "SLURM_JOB_ID" in _environment(process):
            found.append(process)
    return found


def _environment(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:  # it ended meanwhile
        return {}


@dataclass
class Accident(ABC):
    """Happens to the job of a training stage as soon as that has saved a checkpoint in `checkpoints`."""

    stage: str
    checkpoints: Path
    cluster: Cluster
    happened: float | None = field(default=None, init=False)

    def watch(self) -> None:
        """Strike if the moment has come. The processes are stopped first, so that they do not finish meanwhile."""
        if self.happened is not None or not any(self.checkpoints.rglob("step=*.ckpt")):
            return
        processes = job_processes(self.stage)
        if processes:
            for process in processes:
                process.send_signal(signal.SIGSTOP)
            self.happened = time.monotonic()
            self.strike(processes)

    @abstractmethod
    def strike(self, processes: list[psutil.Process]) -> None:
        """Do it."""


class NodeCrash(Accident):
    """One of the job's nodes is gone; it comes back when SLURM has noticed."""

    node = ""
    _looked = 0.0

    def strike(self, processes: list[psutil.Process]) -> None:
        self.node = _environment(processes[-1])["SLURMD_NODENAME"]
        self.cluster.crash(self.node)

    def watch(self) -> None:
        super().watch()
        if self.node and time.monotonic() - self._looked > 1:
            self._looked = time.monotonic()
            if self.cluster.state(self.node).startswith("down"):
                self.cluster.start(self.node)
                self.node = ""


class Requeue(Accident):
    """Somebody with more rights takes the job off its node; it starts again later, under the same number."""

    def strike(self, processes: list[psutil.Process]) -> None:
        subprocess.run(["scontrol", "requeue", _environment(processes[0])["SLURM_JOB_ID"]], check=True)


class Hang(Accident):
    """The job does nothing any more, until its time limit."""

    def strike(self, processes: list[psutil.Process]) -> None:
        """It is stopped already."""
