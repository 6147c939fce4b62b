"""Training on several GPUs: the command starts itself again, once per process.

The SLURM executor runs a job's command once, on the job's first node, so nothing but the command itself can spread it. torchrun
starts the processes of a node, srun starts torchrun on every node. A process that fails ends them all; the rule's next attempt
goes on from the last checkpoint.
"""

import ctypes
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence

import typer

from framethrift.progress import leave_log, say

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of sys/prctl.h
LAUNCHED = "TORCHELASTIC_RUN_ID"  # torchrun's mark on the processes it starts


def spread(devices: int, nodes: int, threads: int) -> None:
    """Replace this process by `devices` processes on each of `nodes` nodes running the same command.

    Returns at once for one process in all, and in a process that was started here. threads: CPU threads of all processes of a
    node. Raises typer.BadParameter for several nodes outside a SLURM job.
    """
    if LAUNCHED in os.environ:
        end_with_launcher()
        return
    if devices * nodes == 1:
        return
    if nodes > 1 and not os.environ.get("SLURM_JOB_ID"):
        raise typer.BadParameter(f"--nodes {nodes} needs a SLURM job of so many nodes: there is no SLURM_JOB_ID")
    command = launch_command(devices, nodes, threads, [_own_path(), *sys.argv[1:]])
    say(f"starting {devices} processes on each of {nodes} nodes: {' '.join(command)}")
    leave_log()  # the processes open it themselves
    os.execvp(command[0], command)


def end_with_launcher() -> None:
    """Have Linux kill this process when torchrun is gone.

    A scheduler that follows process trees kills torchrun and loses sight of what it started; left alone, that would hold the
    run's files, and no later attempt could go on.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "prctl"):
        library.prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def launch_command(devices: int, nodes: int, threads: int, command: Sequence[str]) -> list[str]:
    """The command line that runs `command` in devices × nodes processes."""
    # The "--" before the command: without it torchrun would take --log for an abbreviation of its own options.
    torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={devices}", f"--nnodes={nodes}", "--no-python"]
    if nodes == 1:
        return [*torchrun, "--standalone", "--", *command]
    # This node is the first of the job. Set MASTER_ADDR where its name leads to the wrong network.
    meeting = f"{os.environ.get('MASTER_ADDR') or socket.gethostname()}:{_free_port()}"
    srun = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"]
    torchrun += ["--rdzv-backend=c10d", f"--rdzv-endpoint={meeting}", f"--rdzv-id={os.environ['SLURM_JOB_ID']}"]
    return [*srun, "--kill-on-bad-exit=1", *torchrun, "--", *command]


def _own_path() -> str:
    """The program this process runs, as another node finds it."""
    return shutil.which(sys.argv[0]) or os.path.abspath(sys.argv[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
