"""A throw-away SLURM of several nodes on this one host, for tests: real daemons, stand-in GPUs, no accounting database.

It needs root and Debian's packages slurm-wlm and munge, and it refuses a machine that has a SLURM of its own. Try it by hand:

    python tests/slurm/cluster.py /tmp/cluster      # up, until Ctrl-C; then: sinfo, srun -N2 hostname, ...
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

ETC = Path("/etc/slurm")  # the step plugin strips SLURM_CONF from a job's environment, so the files must lie where SLURM looks
MARK = "# Framethrift's test cluster"
MUNGE_KEY, MUNGE_PID = Path("/etc/munge/munge.key"), Path("/run/munge/munged.pid")
SETTINGS = {
    "ClusterName": "framethrift",
    "AuthType": "auth/munge",
    "AuthInfo": "cred_expire=10",  # a requeued job waits that long before it starts again
    "SlurmUser": "root",
    "SlurmdUser": "root",
    "MpiDefault": "none",
    "SwitchType": "switch/none",
    "ProctrackType": "proctrack/linuxproc",  # cgroups may not be ours to use
    "TaskPlugin": "task/none",
    "AccountingStorageType": "accounting_storage/none",
    # Memory is watched and enforced by sampling the processes, once a second.
    "JobAcctGatherType": "jobacct_gather/linux",
    "JobAcctGatherFrequency": "task=1",
    "JobAcctGatherParams": "OverMemoryKill",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_Core_Memory",
    "SlurmdParameters": "config_overrides",  # nodes may claim more than the host has
    "GresTypes": "gpu",
    "ReturnToService": "2",
    "SlurmctldTimeout": "30",
    "SlurmdTimeout": "6",  # a silent node is down after so many seconds
    "MinJobAge": "300",
    "KillWait": "10",
    "OverTimeLimit": "0",
    "SchedulerType": "sched/backfill",
    "SchedulerParameters": "batch_sched_delay=0,sched_min_interval=0,bf_interval=1",
    "MailProg": "/bin/true",
}


def obstacle() -> str | None:
    """Why no test cluster can run here, in words; None when it can."""
    missing = [name for name in ("slurmctld", "slurmd", "sbatch", "munged") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed (Debian: slurm-wlm and munge; .ci/slurm installs them)"
    if os.geteuid() != 0:
        return "the daemons must be started by root"
    if not MUNGE_KEY.exists():
        return f"munge has no key ({MUNGE_KEY})"
    if (ETC / "slurm.conf").exists() and not (ETC / "slurm.conf").read_text(encoding="utf-8").startswith(MARK):
        return f"this machine has a SLURM of its own ({ETC / 'slurm.conf'})"
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] in ("slurmctld", "slurmd") and process.info["status"] != psutil.STATUS_ZOMBIE:
            return f"a SLURM daemon is running already (process {process.pid})"
    return None


class Cluster:
    """Nodes n1 to n<nodes> with `cpus`, `memory` MB and `gpus` stand-in GPUs each. A context manager: leaves nothing behind."""

    def __init__(self, folder: Path, nodes: int = 3, cpus: int = 4, memory: int = 6000, gpus: int = 2) -> None:
        self.folder = folder.resolve()
        self.nodes = [f"n{number}" for number in range(1, nodes + 1)]
        self._cpus, self._memory, self._gpus = cpus, memory, gpus
        self._own_munge = False

    def __enter__(self) -> "Cluster":
        reason = obstacle()
        if reason:
            raise RuntimeError(reason)
        try:
            self._configure()
            self._start_munge()
            subprocess.run(["slurmctld", "-c"], check=True)
            for node in self.nodes:
                self.start(node)
            self.wait_idle()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        daemons = [int(path.read_text()) for path in self.folder.glob("*.pid")]
        for pid in daemons:
            _kill(pid, signal.SIGKILL)
        for process in self._step_daemons():
            _kill_tree(process)
        if self._own_munge and MUNGE_PID.exists():
            _kill(int(MUNGE_PID.read_text()), signal.SIGTERM)
        for name in ("slurm.conf", "gres.conf"):
            path = ETC / name
            if path.exists() and path.read_text(encoding="utf-8").startswith(MARK):
                path.unlink()

    def _configure(self) -> None:
        for name in ("state", "spool", "dev"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(self._gpus):  # SLURM accepts a character device as a GPU, and nothing less
            device = self.folder / "dev" / f"gpu{number}"
            if not device.exists():
                os.mknod(device, 0o20666, os.makedev(1, 3))
        host, ports = socket.gethostname().partition(".")[0], _free_ports(len(self.nodes) + 1)
        lines = [MARK, f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={ports[0]}"]
        lines += [f"{name}={value}" for name, value in SETTINGS.items()]
        lines += [
            f"StateSaveLocation={self.folder}/state",
            f"SlurmdSpoolDir={self.folder}/spool/%n",
            *(f"{daemon}PidFile={self.folder}/{file}.pid" for daemon, file in (("Slurmctld", "ctld"), ("Slurmd", "%n"))),
            *(f"{daemon}LogFile={self.folder}/{file}.log" for daemon, file in (("Slurmctld", "ctld"), ("Slurmd", "%n"))),
        ]
        shape = f"CPUs={self._cpus} RealMemory={self._memory} Gres=gpu:{self._gpus} State=UNKNOWN"
        for node, port in zip(self.nodes, ports[1:], strict=True):
            lines.append(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {shape}")
        for partition in ("gpu", "cpu"):
            lines.append(f"PartitionName={partition} Nodes=ALL Default={'YES' if partition == 'gpu' else 'NO'} State=UP")
        ETC.mkdir(exist_ok=True)
        (ETC / "slurm.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        devices = f"File={self.folder}/dev/gpu[0-{self._gpus - 1}]"
        (ETC / "gres.conf").write_text(f"{MARK}\nNodeName={','.join(self.nodes)} Name=gpu {devices}\n", encoding="utf-8")

    def _start_munge(self) -> None:
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
            return
        for socket_file in MUNGE_PID.parent.glob("munge.socket.*"):  # of a daemon that was killed: nobody listens
            socket_file.unlink()
        subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", "-m", "0755", str(MUNGE_PID.parent)], check=True)
        subprocess.run(["runuser", "-u", "munge", "--", "munged", "--force"], check=True)
        self._own_munge = True

    def start(self, node: str) -> None:
        """Start a node's daemon."""
        subprocess.run(["slurmd", "-N", node], check=True)

    def state(self, node: str) -> str:
        """What SLURM takes a node for: idle, mix, down* …"""
        command = ["sinfo", "-h", "-p", "gpu", "-n", node, "-o", "%t"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def wait_idle(self, seconds: float = 30) -> None:
        """Wait until every node is idle. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            states = subprocess.run(
                ["sinfo", "-h", "-N", "-o", "%N %t", "-p", "gpu"], capture_output=True, text=True, check=False
            )
            if sorted(states.stdout.split("\n"))[1:] == [f"{node} idle" for node in self.nodes]:
                return
            time.sleep(0.1)
        raise TimeoutError(f"nodes are not idle after {seconds} s: {states.stdout or states.stderr}; see {self.folder}/*.log")

    def crash(self, node: str) -> None:
        """What a power cut does to a node: its daemon and everything it runs are gone at once, and nobody is told."""
        _kill(int((self.folder / f"{node}.pid").read_text()), signal.SIGKILL)
        for process in self._step_daemons():
            if self.folder / f"{node}.log" in _open_files(process):
                _kill_tree(process)

    def _step_daemons(self) -> list[psutil.Process]:
        """The processes that run job steps, of this cluster only."""
        return [
            process
            for process in psutil.process_iter(["name"])
            if (process.info["name"] or "").startswith("slurmstepd")
            and any(file.parent == self.folder for file in _open_files(process))
        ]


def _open_files(process: psutil.Process) -> list[Path]:
    """A step's process keeps the log of its node open."""
    try:
        return [Path(file.path) for file in process.open_files()]
    except psutil.Error:  # it ended meanwhile
        return []


def _kill_tree(process: psutil.Process) -> None:
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        _kill(member.pid, signal.SIGKILL)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


if __name__ == "__main__":
    ends = [signal.SIGINT, signal.SIGTERM]
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with Cluster(Path(sys.argv[1])):
        subprocess.run(["sinfo", "-N", "-l"], check=True)
        signal.sigwait(ends)
