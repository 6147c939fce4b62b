"""Sends what the spool holds to MLflow, each event once.

Runs as a process of its own at the end of a stage (`python -m framethrift.tracking results/<study>`): a server that
hangs or a library that crashes cannot take the training with it, and training never imports mlflow.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from framethrift.config.layout import Layout
from framethrift.files import write_json
from framethrift.tracking.spool import Event, read_events
from framethrift.tracking.store import Store, TrackingError, find_run, known_study_run, study_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BATCH = 1000  # MLflow's limit of metrics in one call
_PARAMS = 100  # MLflow's limit of parameters in one call
_VALUE = 6000  # MLflow's limit of characters in a parameter's value
LOCK_SECONDS = 60  # how long to wait for another process of this study that is pushing


@dataclass(frozen=True)
class Pushed:
    """What a push did: runs that were sent anything, and metric values sent."""

    runs: int
    metrics: int


def push_pending(layout: Layout) -> Pushed:
    """Send every spool's new events to the study's MLflow store.

    Safe to call from several processes at once and after any crash: what was sent is remembered beside each spool, and
    what was sent but not remembered is recognised by the store. Raises TrackingError if the store cannot be reached, or
    naming each run that it refused; nothing is lost then.
    """
    store = Store.of(layout)
    spools = sorted((layout.tracking / "spool").rglob("*.jsonl"))
    if not spools:
        return Pushed(0, 0)
    with _mlflow_errors(store), _alone(layout):
        client = _client(store)
        experiment, parent = study_run(client, layout, store)
        sent, refused, running = Pushed(0, 0), [], False
        for spool in spools:
            name = spool.relative_to(layout.tracking / "spool").with_suffix("").as_posix()
            try:
                push = _SpoolPush(name, spool, layout, store, parent)
                metrics = push.send(client, experiment)
            except _mlflow_failures() as error:  # one refused run must not hold back the others
                refused.append(f"{name}: {_one_line(error)}")
                continue
            running |= push.status == "RUNNING"
            if metrics is not None:
                sent = Pushed(sent.runs + 1, sent.metrics + metrics)
        if sent.runs:
            client.update_run(parent, status="RUNNING" if running else "FINISHED")
    if refused:
        raise TrackingError(f"{store.key} refused {len(refused)} run(s): {'; '.join(refused)}")
    return sent


def has_news(layout: Layout) -> bool:
    """Whether a spool holds anything that the study's MLflow store has not confirmed; the store itself is not asked.

    Starting MLflow takes seconds. Runs deleted from a server go unnoticed here, `push_pending` sends them again.
    Raises TrackingError as `Store.of`.
    """
    store = Store.of(layout)
    parent = known_study_run(layout, store)
    spools = (layout.tracking / "spool").rglob("*.jsonl")
    try:
        return not all(_SpoolPush(spool.stem, spool, layout, store, parent).is_sent for spool in spools)
    except ValueError:  # a damaged spool: pushing says which
        return True


class _SpoolPush:
    """One spool file on its way to one run."""

    def __init__(self, name: str, path: Path, layout: Layout, store: Store, parent: str | None) -> None:
        self._name, self._layout, self._store, self._parent = name, layout, store, parent
        self._file = path.with_suffix(".pushed")
        self._memory: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._events = read_events(path)
        self.status = _status(path, self._events)
        self._known: dict[str, Any] = self._memory.get(store.key, {})
        self._done = {"study_run": parent, "status": self.status, "events": len(self._events)}

    @property
    def is_sent(self) -> bool:
        """Whether the store has taken all of it; there is nothing to take of a run that was killed before its first line."""
        return not self._events or {key: self._known.get(key) for key in self._done} == self._done

    def send(self, client: "MlflowClient", experiment: str) -> int | None:
        """Number of metric values sent; None if the store is up to date."""
        if self.is_sent:
            return None
        # Never sent there, or that store was deleted: from the beginning.
        known: dict[str, Any] = self._known if self._known.get("study_run") == self._parent else {"events": 0}
        old, new = self._events[: known["events"]], self._events[known["events"] :]
        run_id = known.get("run_id") or self._run(client, experiment)
        metrics = self._log(client, run_id, old, new)
        self._log_artifacts(client, run_id, [event["artifact"] for event in new if "artifact" in event])
        if self.status == "RUNNING":
            client.update_run(run_id, status="RUNNING")
        else:
            client.set_terminated(run_id, self.status, self._events[-1]["at"])
        write_json(self._file, self._memory | {self._store.key: self._done | {"run_id": run_id}})
        return metrics

    def _run(self, client: "MlflowClient", experiment: str) -> str:
        label = f"{self._parent}/{self._name}"
        found = find_run(client, experiment, "framethrift.spool", label)
        if found is not None:
            return found
        first = self._events[0]
        tags = {"framethrift.spool": label, "mlflow.parentRunId": self._parent}
        return client.create_run(experiment, first["at"], tags, first["start"]["run_name"]).info.run_id

    def _log(self, client: "MlflowClient", run_id: str, old: list[Event], new: list[Event]) -> int:
        from mlflow.entities import Metric, Param, RunTag

        # Every start of a run that was killed states them again, and MLflow refuses a key that comes twice.
        stated = {key: value for event in new for key, value in event.get("start", {}).get("params", {}).items()}
        params = [Param(key, value[:_VALUE]) for key, value in stated.items()]
        latest = {key: value for event in new for key, value in event.get("tags", {}).items()}
        tags = [RunTag(key, str(value)) for key, value in latest.items()]
        # A resumed run repeats the steps since its last checkpoint: what it logged last counts, and is sent if it is news.
        sent = {(name, event["step"]): value for event in old for name, value in event.get("metrics", {}).items()}
        metrics: dict[tuple[str, int], Metric] = {}
        for event in new:
            for name, value in event.get("metrics", {}).items():
                metrics[name, event["step"]] = Metric(name, value, event["at"], event["step"])
        values = [metric for at, metric in metrics.items() if sent.get(at) != metric.value]
        for start in range(0, len(params), _PARAMS):
            client.log_batch(run_id, params=params[start : start + _PARAMS])
        client.log_batch(run_id, tags=tags)
        for start in range(0, len(values), _BATCH):
            client.log_batch(run_id, metrics=values[start : start + _BATCH])
        return len(values)

    def _log_artifacts(self, client: "MlflowClient", run_id: str, names: list[str]) -> None:
        files = {name: self._layout.root / name for name in names}
        for file in files.values():
            if file.is_file():
                client.log_artifact(run_id, str(file))
        missing = [name for name, file in files.items() if not file.is_file()]
        if missing:
            client.set_tag(run_id, "artifacts.missing", ", ".join(missing))


def _client(store: Store) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a dead server costs four minutes
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


def _status(spool: Path, events: list[Event]) -> str:
    """How the run ended; RUNNING while its writer lives, KILLED if that is gone without a word."""
    borders = [event for event in events if "start" in event or "end" in event]
    if borders and "end" in borders[-1]:
        return borders[-1]["end"]
    if spool != max(spool.parent.glob("*.jsonl")):  # a newer attempt has the lock
        return "KILLED"
    lock = FileLock(spool.with_name("writer.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return "RUNNING"
    lock.release()
    return "KILLED"


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One process of a study at a time: sqlite takes one writer, and creating its tables is a race."""
    lock = FileLock(layout.tracking / "mlflow.lock")
    try:
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout as error:
        raise TrackingError(f"another process has been writing to MLflow for {LOCK_SECONDS} s ({lock.lock_file})") from error
    try:
        yield
    finally:
        lock.release()


def _mlflow_failures() -> tuple[type[Exception], ...]:
    """What MLflow, its database and its HTTP client raise when a store cannot take something; ValueError: a damaged spool."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, OSError, ValueError


@contextmanager
def _mlflow_errors(store: Store) -> Iterator[None]:
    try:
        yield
    except _mlflow_failures() as error:
        raise TrackingError(f"{store.key}: {_one_line(error).replace(store.uri, store.key)}") from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
