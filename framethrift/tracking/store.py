"""Which MLflow store a study's runs go to, and the study's own run in it, under which all others are nested."""

import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from framethrift.config.layout import Layout
from framethrift.config.study import Study
from framethrift.files import write_json

if TYPE_CHECKING:
    from mlflow import MlflowClient


class TrackingError(RuntimeError):
    """MLflow could not take the runs; they stay in the spool."""


@dataclass(frozen=True)
class Store:
    """An MLflow store: `uri` to reach it, `key` to remember it by (no password, no absolute path)."""

    uri: str
    key: str

    @classmethod
    def of(cls, layout: Layout) -> "Store":
        """The store that MLFLOW_TRACKING_URI names, else the sqlite file in the study's folder.

        Raises TrackingError if sqlite cannot address the folder.
        """
        folder = layout.tracking.resolve()
        if "?" in str(folder):
            raise TrackingError(f"{folder}: an sqlite address cannot hold the character '?'; move the study to another folder")
        own = f"sqlite:///{folder}/mlflow.db"
        uri = os.environ.get("MLFLOW_TRACKING_URI") or own
        if uri.partition("?")[0] == own:
            return cls(f"{own}?timeout=60", "sqlite")
        parts = urlsplit(uri)
        return cls(uri, urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))


def announce_study(layout: Layout, study: Study) -> None:
    """Write tracking/study_run.json once: whichever process is first decides the study run's identity."""
    path = _study_file(layout)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f".{path.name}.{os.getpid()}")
    facts = {
        "identity": uuid.uuid4().hex,
        "study": study.name,
        "description": study.description,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "stores": {},
    }
    write_json(mine, facts)
    try:
        os.link(mine, path)
    except FileExistsError:
        pass  # another process was faster: its identity holds
    finally:
        mine.unlink()


def study_run(client: "MlflowClient", layout: Layout, store: Store) -> tuple[str, str]:
    """Ids of the study's experiment and study run in `store`, created if they are not there. Call it under the lock."""
    from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

    path = _study_file(layout)
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    name, identity = facts["study"], facts["identity"]
    experiment = client.get_experiment_by_name(name)
    if experiment is not None:
        experiment_id = experiment.experiment_id
    else:
        location = (layout.tracking.resolve() / "artifacts").as_uri() if store.key == "sqlite" else None
        experiment_id = client.create_experiment(name, artifact_location=location)
    found = find_run(client, experiment_id, "framethrift.study_run", identity)
    if found is None:
        tags = {"framethrift.study_run": identity, "study": name, MLFLOW_RUN_NOTE: facts["description"]}
        found = client.create_run(experiment_id, tags=tags, run_name=f"study {name}").info.run_id
    known = {"experiment_id": experiment_id, "run_id": found}
    if facts["stores"].get(store.key) != known:
        facts["stores"][store.key] = known
        write_json(path, facts)
    return experiment_id, found


def known_study_run(layout: Layout, store: Store) -> str | None:
    """Id of the study's run in `store` as it was last found there; None where it is not known, or sqlite's file is gone."""
    path = _study_file(layout)
    if not path.exists() or (store.key == "sqlite" and not (layout.tracking / "mlflow.db").exists()):
        return None
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts["stores"].get(store.key, {}).get("run_id")


def find_run(client: "MlflowClient", experiment_id: str, tag: str, value: str) -> str | None:
    """Id of the run that carries a tag, or None: asked before creating one, so that a crash between the two makes no twin."""
    runs = client.search_runs([experiment_id], filter_string=f"tags.`{tag}` = '{value}'", max_results=1)
    return runs[0].info.run_id if runs else None


def _study_file(layout: Layout) -> Path:
    return layout.tracking / "study_run.json"
