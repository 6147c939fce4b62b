"""A tracking server that is dead, slow or broken costs a warning, not a training; what was kept is sent later, once."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.tracking import push, runs
from framethrift.tracking.store import Store

Runs = Callable[[Layout], dict[str, list[Any]]]


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_unreachable", set())
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def broken_server() -> Iterator[str]:
    """Answers everything with status 500."""

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _dead_server() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def _two_stages(layout: Layout, study: Study) -> None:
    for name in ("cope", "rgb"):
        with tracking.stage_run(layout, study, stage="delta", name=name, seed=0) as run:
            run.log_metrics({"loss": 0.5}, 1)


def _expect_one_warning(said: str, reason: str) -> None:
    assert said.count("warning: MLflow did not take the metrics, training goes on") == 1
    assert reason in said
    assert "send them later: framethrift mlflow sync mini" in said


def test_a_dead_server_costs_one_warning_and_is_made_up_for_later(
    layout: Layout, study: Study, runs: Runs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    address = _dead_server()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.replace("//", "//anna:secret@"))
    _two_stages(layout, study)
    said = capfd.readouterr().err
    _expect_one_warning(said, address)
    assert "secret" not in said
    with pytest.raises(tracking.TrackingError, match=re.escape(address)):
        tracking.sync(layout)

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.sync(layout) == tracking.Pushed(2, 2)
    assert tracking.sync(layout) == tracking.Pushed(0, 0)
    found = runs(layout)
    assert {name: [run.info.status for run in same] for name, same in found.items()} == {
        "study mini": ["FINISHED"],
        "delta cope seed0": ["FINISHED"],
        "delta rgb seed0": ["FINISHED"],
    }
    assert found["delta cope seed0"][0].info.start_time < found["delta rgb seed0"][0].info.start_time


def test_a_server_that_hangs_is_given_up(
    bare_layout: Layout, study: Study, silent_server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    monkeypatch.setattr(runs, "PUSH_SECONDS", 1)
    _two_stages(bare_layout, study)
    _expect_one_warning(capfd.readouterr().err, "no answer for 1 s")


def test_a_broken_server_names_its_status(
    layout: Layout, study: Study, broken_server: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", broken_server)
    _two_stages(layout, study)
    _expect_one_warning(capfd.readouterr().err, "500")


def test_a_locked_database_costs_one_warning(
    layout: Layout, study: Study, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    database = layout.tracking / "mlflow.db"
    monkeypatch.setattr(push.Store, "of", lambda layout: Store(f"sqlite:///{database}?timeout=0.1", "sqlite"))
    with sqlite3.connect(database) as other:
        other.execute("begin exclusive")
        _two_stages(layout, study)
        other.rollback()
    _expect_one_warning(capfd.readouterr().err, "locked")
    assert tracking.sync(layout) == tracking.Pushed(2, 2)


def test_a_database_that_is_none_costs_one_warning(bare_layout: Layout, study: Study, capfd: pytest.CaptureFixture[str]) -> None:
    bare_layout.tracking.mkdir(parents=True)
    (bare_layout.tracking / "mlflow.db").write_text("this is no database " * 100)
    _two_stages(bare_layout, study)
    _expect_one_warning(capfd.readouterr().err, "file is not a database")


def test_a_full_disk_does_not_stop_a_training(
    layout: Layout, study: Study, runs: Runs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        write = os.write
        with monkeypatch.context() as patch:
            patch.setattr("framethrift.tracking.spool.os.write", lambda file, data: write(file, data) if file < 3 else full())
            for step in range(5):
                run.log_metrics({"loss": 0.5}, step)
    assert capfd.readouterr().err.count("metrics cannot be written to disk, kept in memory for now") == 1
    assert len(runs(layout)["delta cope seed0"]) == 1
    assert tracking.sync(layout) == tracking.Pushed(0, 0)


def test_one_damaged_spool_does_not_hold_back_the_others(
    layout: Layout, study: Study, runs: Runs, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = layout.tracking / "spool" / "clip" / "old" / "000.jsonl"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("rubbish\n")
    _two_stages(layout, study)
    assert "clip/old/000: ValueError" in capfd.readouterr().err
    with pytest.raises(tracking.TrackingError, match=r"refused 1 run.*line 1"):
        tracking.sync(layout)
    assert set(runs(layout)) == {"study mini", "delta cope seed0", "delta rgb seed0"}


def test_a_server_gets_everything_again_under_its_own_study_run(
    layout: Layout, study: Study, empty_database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two_stages(layout, study)
    other = shutil.copy(empty_database, layout.root / "other.db")  # stands for any other store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    assert tracking.sync(layout) == tracking.Pushed(2, 2)
    assert tracking.sync(layout) == tracking.Pushed(0, 0)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert tracking.sync(layout) == tracking.Pushed(0, 0)


@pytest.mark.parametrize(
    ("address", "key"),
    [("", "sqlite"), ("http://anna:secret@host:5000/x", "http://host:5000/x"), ("databricks", "databricks")],
)
def test_the_store_is_remembered_without_a_password(
    bare_layout: Layout, monkeypatch: pytest.MonkeyPatch, address: str, key: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert Store.of(bare_layout).key == key


def test_a_folder_that_sqlite_cannot_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(tracking.TrackingError, match=r"what\?.*move the study"):
        Store.of(Layout(tmp_path / "what?" / "mini"))


def test_recording_imports_neither_mlflow_nor_torch() -> None:
    code = "import sys; from framethrift import tracking; print({'mlflow', 'torch', 'lightning', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
