"""The run of one training stage or evaluation cell, as the stage sees it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from framethrift.config.digest import settings_digest
from framethrift.config.layout import Layout
from framethrift.config.study import Study
from framethrift.progress import say
from framethrift.tracking.provenance import provenance
from framethrift.tracking.spool import Spool, read_events
from framethrift.tracking.store import announce_study

PUSH_SECONDS = 120  # after that a push is given up; the spool stays
AT_ONCE = 600.0  # seconds that a run must have taken to be sent when it finishes: starting MLflow takes some itself
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_unreachable: set[Path] = set()  # studies whose MLflow failed in this process: said once, not tried again


class StageRun:
    """Takes parameters, metrics, tags and artifacts of a stage. Nothing here can fail a training."""

    def __init__(self, layout: Layout, spool: Spool | None) -> None:
        self._layout, self._spool = layout, spool
        self._warned = False

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record values of a step."""
        self._append(step=int(step), metrics={name: float(value) for name, value in metrics.items()})

    def log_artifact(self, path: Path | str) -> None:
        """Record a file that MLflow gets a copy of when the stage ends; it must exist until then."""
        self._append(artifact=os.path.relpath(path, self._layout.root))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Record tags; a later value of the same tag replaces an earlier one."""
        self._append(tags={name: str(value) for name, value in tags.items()})

    def push(self) -> None:
        """Send what is recorded to MLflow now. A failure is one warning per process; the spool stays and is sent later."""
        if self._spool is not None and self._layout.root not in _unreachable:
            self._sync()
            problem = _push(self._layout)
            if problem:
                _unreachable.add(self._layout.root)
                spool = self._layout.tracking / "spool"
                say(f"warning: MLflow did not take the metrics, training goes on: {problem}")
                say(f"  they are kept in {spool}; send them later: framethrift mlflow sync {self._layout.root.name}")

    def _append(self, **event: Any) -> None:
        if self._spool is None:
            return
        try:
            self._spool.append(**event)
        except OSError as error:
            self._warn(error)

    def _sync(self) -> None:
        if self._spool is not None:
            try:
                self._spool.sync()
            except OSError as error:
                self._warn(error)

    def _close(self, status: str) -> None:
        self._append(end=status)
        self._sync()

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            say(f"warning: metrics cannot be written to disk, kept in memory for now: {error}")


@contextmanager
def stage_run(
    layout: Layout,
    study: Study,
    *,
    stage: str,
    name: str,
    seed: int | None = None,
    params: Mapping[str, Any] | None = None,
) -> Iterator[StageRun]:
    """A run of `stage` for `name` (a variant; with "/" for a cell), nested under the study's run.

    A run that fails is sent to MLflow at once, one that finishes if it took AT_ONCE; a shorter one stays in the local spool until
    the next push of the study, by another run, the report, `make mlflow` or `framethrift mlflow sync`.

    A run that did not finish is resumed, with the same MLflow run, if its parameters are the same; otherwise a new one is
    opened. An exception ends it FAILED, an interruption KILLED. In a multi-process training only the first process
    records. Raises ValueError for a stage or name that cannot be a folder, and RuntimeError if another process is at it.
    """
    parts = [stage, *name.split("/"), *([] if seed is None else [f"seed{seed}"])]
    for part in parts:
        if not _PART.fullmatch(part):
            raise ValueError(f"run {stage}/{name}: {part!r} cannot be a folder; use letters, digits, '.', '_' and '-'")
    if _process_rank() > 0:
        yield StageRun(layout, None)
        return
    folder = layout.tracking / "spool" / Path(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    with _writer(folder, "/".join(parts)):
        announce_study(layout, study)
        began = time.monotonic()
        spool = Spool(_attempt(folder, settings_digest(dict(params or {}))))
        run = StageRun(layout, spool)
        flat = {key: str(value) for key, value in _flatten(dict(params or {}))}
        run._append(start={"run_name": " ".join(parts), "params": flat, "digest": settings_digest(dict(params or {}))})
        run.set_tags(provenance(study, stage, {"name": name} | ({} if seed is None else {"seed": seed})))
        try:
            yield run
        except Exception:
            run._close("FAILED")
            run.push()
            raise
        except BaseException:  # interrupted: no time for MLflow; the next push of this study sends it
            run._close("KILLED")
            raise
        else:
            run._close("FINISHED")
            if time.monotonic() - began >= AT_ONCE:
                run.push()
        finally:
            spool.close()


@contextmanager
def _writer(folder: Path, name: str) -> Iterator[None]:
    lock = FileLock(folder / "writer.lock")
    try:
        lock.acquire(timeout=5)
    except Timeout as error:
        raise RuntimeError(f"run {name}: another process is writing it ({lock.lock_file}); wait for it or stop it") from error
    try:
        yield
    finally:
        lock.release()


def _attempt(folder: Path, digest: str) -> Path:
    """The spool to go on with: the last one if it has not finished and has the same parameters, else a new one."""
    spools = sorted(folder.glob("*.jsonl"))
    if not spools:
        return folder / "000.jsonl"
    events = read_events(spools[-1])
    if not events:
        return spools[-1]
    starts = [event["start"]["digest"] for event in events if "start" in event]
    finished = events[-1].get("end") == "FINISHED"
    return spools[-1] if not finished and starts[0] == digest else folder / f"{len(spools):03d}.jsonl"


def _flatten(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _process_rank() -> int:
    """Rank in a multi-process training, as torchrun (RANK) or Lightning's own launcher (LOCAL_RANK) say it; else 0."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)


def _push(layout: Layout) -> str | None:
    """Push in a process of its own; what went wrong, or None."""
    command = [sys.executable, "-m", "framethrift.tracking", str(layout.root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PUSH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer for {PUSH_SECONDS} s"
    except OSError as error:
        return str(error)
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit status {done.returncode}")
