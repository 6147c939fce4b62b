"""Leaving in time: a training that is asked to stop, or whose job is about to end, saves its state and exits to be run again."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import datetime
from types import FrameType
from typing import Any

LEAVE = 75  # EX_TEMPFAIL: nothing is wrong, try again
LONGEST_MARGIN = 300.0  # seconds kept free before the job's end, at most a tenth of its time, more if saving takes long
END_VARIABLE = "FRAMETHRIFT_JOB_END"
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Interrupted(SystemExit):
    """The run was cut short with its state saved. Any exit status but 0 makes Snakemake run the rule again."""

    def __init__(self) -> None:
        super().__init__(LEAVE)


def job_end(say: Callable[[str], None]) -> float | None:
    """When this job will be killed, in seconds since 1970, or None when nothing will kill it.

    FRAMETHRIFT_JOB_END says so on any machine, SLURM_JOB_END_TIME on newer SLURMs; older ones are asked. What cannot be found out
    is said through `say`. Raises ValueError for a FRAMETHRIFT_JOB_END that is no number.
    """
    for name in (END_VARIABLE, "SLURM_JOB_END_TIME"):
        if value := os.environ.get(name):
            try:
                return float(value)
            except ValueError as error:
                raise ValueError(f"{name}={value!r} is no time in seconds since 1970") from error
    job = os.environ.get("SLURM_JOB_ID")
    if not job:
        return None
    try:
        asked = subprocess.run(
            ["squeue", "--noheader", f"--jobs={job}", "--format=%e"], capture_output=True, text=True, timeout=30, check=True
        )
        return datetime.fromisoformat(asked.stdout.split()[0]).timestamp()
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        say(f"warning: the end of SLURM job {job} is unknown ({error}); a time limit costs the steps since the last checkpoint")
        return None


class Interruption:
    """Knows when to leave: a signal came, or the time that is left is needed to save."""

    def __init__(self, end: float | None, clock: Callable[[], float] = time.time) -> None:
        self._end, self._clock = end, clock
        self._margin = 0.0 if end is None else min(LONGEST_MARGIN, 0.1 * max(0.0, end - clock()))
        self._signal: signal.Signals | None = None

    def listen(self) -> None:
        """Take SIGTERM and SIGUSR1 as requests to leave; in a thread that is not the main one signals cannot be heard."""
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> Any:
        self._signal = signal.Signals(number)

    def reason(self, step_seconds: float, save_seconds: float) -> str | None:
        """Why to leave now, or None; the durations are those of the longest step and save so far."""
        if self._signal is not None:
            return f"{self._signal.name} received"
        if self._end is not None:
            left = self._end - self._clock()
            if left < max(self._margin, 2 * (step_seconds + save_seconds)):
                return f"{max(0.0, left):.0f} s are left of the job's time"
        return None
