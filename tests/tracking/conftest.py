"""A study with a folder of its own, and a look into its MLflow database."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framethrift.config import Layout, Study, load_study
from framethrift.tracking import TrackingError, sync

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def study() -> Study:
    return load_study(ROOT / "config" / "studies" / "mini.yaml")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes seconds to create its tables: once for all tests that are not about that."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def bare_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A study folder that nothing was tracked in yet, where short runs are sent too."""
    monkeypatch.setattr("framethrift.tracking.runs.AT_ONCE", 0.0)
    return Layout(tmp_path / "a study's folder, größer" / "mini")


@pytest.fixture
def layout(bare_layout: Layout, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A study folder with MLflow's tables, and pushes that save the start of a process."""

    def push(layout: Layout) -> str | None:
        try:
            sync(layout)
        except TrackingError as error:
            return str(error)
        return None

    bare_layout.tracking.mkdir(parents=True)
    shutil.copy(empty_database, bare_layout.tracking / "mlflow.db")
    monkeypatch.setattr("framethrift.tracking.runs._push", push)
    return bare_layout


@pytest.fixture
def runs() -> Callable[[Layout], dict[str, list[Any]]]:
    """All runs of a study's own database by name, the newest last."""
    from mlflow import MlflowClient
    from mlflow.entities import Run

    def read(layout: Layout) -> dict[str, list[Run]]:
        client = MlflowClient(f"sqlite:///{layout.tracking.resolve()}/mlflow.db")
        experiment = client.get_experiment_by_name("mini")
        assert experiment is not None
        found: dict[str, list[Run]] = {}
        for run in client.search_runs([experiment.experiment_id], order_by=["start_time"]):
            found.setdefault(run.info.run_name, []).append(run)
        return found

    return read
