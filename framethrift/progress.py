"""What a long step is doing, how far it is and how long it will take: one line at most every ten seconds.

A rule's shell command ends in `--log FILE`: then everything the process writes goes to that file, and the progress lines
go to the terminal as well (`redirect_to`).
"""

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from framethrift.secrets import redact

INTERVAL = 10.0  # seconds between two lines
_console: int | None = None  # the terminal's file descriptor while stdout and stderr go to a log


@contextmanager
def redirect_to(log_path: Path | str | None) -> Iterator[None]:
    """Send file descriptors 1 and 2 to `log_path` (appended), and progress lines also to the former stderr.

    Works for child processes and C libraries too. An exception's traceback is written to the log before it is raised
    on. None changes nothing. Raises OSError if the log cannot be opened.
    """
    global _console
    if log_path is None:
        yield
        return
    path = Path(log_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    _flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    outer, _console = _console, saved[1]
    os.write(2, redact(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} pid {os.getpid()}: {' '.join(sys.argv)}\n").encode())
    try:
        yield
    except SystemExit:
        raise
    except BaseException:
        _flush()
        os.write(2, redact(traceback.format_exc()).encode())
        raise
    finally:
        _flush()
        _console = outer
        for descriptor, copy in zip((1, 2), saved, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)


def leave_log() -> None:
    """Send both outputs to the terminal again, for a program that takes this process over and writes its own log."""
    if _console is not None:
        _flush()
        os.dup2(_console, 1)
        os.dup2(_console, 2)


def say(line: str) -> None:
    """Write one line to stderr and, if that goes to a log, to the terminal: whole lines, so that parallel jobs do not mix."""
    text = f"{redact(line)}\n".encode()
    _flush()
    os.write(2, text)
    if _console is not None:
        try:
            os.write(_console, text)
        except OSError as error:  # the terminal was closed: the step goes on without it
            _forget_console(error)


class Progress:
    """Progress of one step.

    with Progress("delta cope seed0", 600, "steps") as progress:
        progress.update(240, loss=0.1234)      # [delta cope seed0] 240/600 steps · 3.1 steps/s · loss 0.1234 · 1 min 56 s left
    """

    def __init__(
        self, step_name: str, total: int | None = None, unit: str = "steps", *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.step_name, self.total, self.unit = step_name, total, unit
        self._clock = clock
        self.start()

    def start(self, done: int = 0, *, total: int | None = None, unit: str | None = None) -> None:
        """Begin counting: after a resume `done` units are there already; another phase has another `total` or `unit`."""
        self.total = self.total if total is None else total
        self.unit = unit or self.unit
        self.done = self._first = done
        self._began = self._shown_at = self._clock()
        self._shown = done
        self._metrics: dict[str, float] = {}

    def update(self, done: int, **metrics: float) -> None:
        """Say that `done` units are there; prints if ten seconds have passed since the last line or this is the last unit."""
        self.done = done
        self._metrics.update(metrics)
        if done == self.total or self._clock() - self._shown_at >= INTERVAL:
            self._print()

    def advance(self, units: int = 1, **metrics: float) -> None:
        """Say that `units` more are there."""
        self.update(self.done + units, **metrics)

    def say(self, text: str) -> None:
        """Print a sentence of this step, at once."""
        say(f"[{self.step_name}] {text}")

    def finish(self) -> None:
        """Print where the step stands, unless the last line says so already."""
        if self.done != self._shown:
            self._print()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.finish()

    def line(self) -> str:
        """The line that would be printed now."""
        elapsed = self._clock() - self._began
        new = self.done - self._first
        parts = [f"{self.done}{'' if self.total is None else f'/{self.total}'} {self.unit}"]
        if new and elapsed > 0:
            parts.append(_rate(new / elapsed, self.unit))
        parts += [f"{name} {value:.4g}" for name, value in self._metrics.items()]
        if self.total is not None and self.done >= self.total:
            parts.append(f"took {duration(elapsed)}")
        elif self.total is not None and new:
            parts.append(f"{duration(elapsed / new * (self.total - self.done))} left")
        return f"[{self.step_name}] {' · '.join(parts)}"

    def _print(self) -> None:
        self._shown_at, self._shown = self._clock(), self.done
        say(self.line())


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 1 min 10 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _rate(per_second: float, unit: str) -> str:
    return f"{per_second:.3g} {unit}/s" if per_second >= 0.1 else f"{1 / per_second:.3g} s per {unit.removesuffix('s')}"


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def _forget_console(error: OSError) -> None:
    global _console
    _console = None
    print(f"progress no longer goes to the terminal: {error}", file=sys.stderr)
