"""Runs end up in MLflow once, nested, with the right status, whatever happens in between."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.tracking.spool import read_events

Runs = Callable[[Layout], dict[str, list[Run]]]
PARAMS = {"learning_rate": 0.001, "model": {"width": 64, "heads": [2, 4]}}
CHILD = """
import os, sys
from pathlib import Path
from framethrift import tracking
from framethrift.config import Layout, load_study
from framethrift.tracking import runs
runs.AT_ONCE = 0.0
layout, study = Layout(sys.argv[1]), load_study(sys.argv[2])
with tracking.stage_run(layout, study, stage="delta", name=sys.argv[3], seed=0) as run:
    for step in range(50):
        run.log_metrics({"loss": 1 / (step + 1)}, step)
    if sys.argv[4:] == ["die"]:
        os.kill(os.getpid(), 9)
"""


def _child(layout: Layout, name: str, *arguments: str) -> subprocess.Popen[str]:
    study = Path(__file__).resolve().parents[2] / "config" / "studies" / "mini.yaml"
    command = [sys.executable, "-c", CHILD, str(layout.root), str(study), name, *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def _history(layout: Layout, run: Run, metric: str) -> list[tuple[int, float]]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{layout.tracking.resolve()}/mlflow.db")
    return [(value.step, value.value) for value in client.get_metric_history(run.info.run_id, metric)]


def _spools(layout: Layout) -> list[str]:
    return sorted(path.relative_to(layout.tracking / "spool").as_posix() for path in layout.tracking.rglob("*.jsonl"))


def test_a_stage_and_a_cell_under_one_study_run(layout: Layout, study: Study, runs: Runs) -> None:
    curve = layout.root / "curve.txt"
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0, params=PARAMS) as run:
        for step in range(2100):  # more than MLflow takes in one call
            run.log_metrics({"loss": 1 / (step + 1)}, step)
        run.set_tags({"note": "first"})
        curve.write_text("a file")
        run.log_artifact(curve)
    with tracking.stage_run(layout, study, stage="evaluate", name="cope/stream", seed=0) as cell:
        cell.log_metrics({"accuracy": 0.75, "low": float("nan")})

    found = runs(layout)
    assert {name: len(same) for name, same in found.items()} == {
        "study mini": 1,
        "delta cope seed0": 1,
        "evaluate cope stream seed0": 1,
    }
    parent, stage, evaluated = (found[name][0] for name in ("study mini", "delta cope seed0", "evaluate cope stream seed0"))
    assert stage.data.params == {"learning_rate": "0.001", "model.width": "64", "model.heads": "[2, 4]"}
    assert _history(layout, stage, "loss") == [(step, 1 / (step + 1)) for step in range(2100)]
    assert evaluated.data.metrics["accuracy"] == 0.75
    assert {run.data.tags["mlflow.parentRunId"] for run in (stage, evaluated)} == {parent.info.run_id}
    assert {run.info.status for run in (parent, stage, evaluated)} == {"FINISHED"}
    tags = stage.data.tags
    assert (tags["rule"], tags["wildcards"], tags["note"]) == ("delta", '{"name": "cope", "seed": 0}', "first")
    assert {"mlflow.source.git.commit", "git.dirty", "config.digest", "host", "python", "torch"} <= tags.keys()
    assert list((layout.tracking / "artifacts").rglob("curve.txt"))
    known = json.loads((layout.tracking / "study_run.json").read_text())["stores"]
    assert known["sqlite"]["run_id"] == parent.info.run_id
    assert tracking.sync(layout) == tracking.Pushed(0, 0)


def test_a_failed_run_says_so_and_is_resumed_as_the_same_run(layout: Layout, study: Study, runs: Runs) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        tracking.stage_run(layout, study, stage="videolm", name="cope", seed=1, params=PARAMS) as run,
    ):
        for step in range(30):
            run.log_metrics({"loss": float(step)}, step)
        raise ZeroDivisionError
    failed = runs(layout)["videolm cope seed1"]
    assert [run.info.status for run in failed] == ["FAILED"]

    with tracking.stage_run(layout, study, stage="videolm", name="cope", seed=1, params=PARAMS) as run:
        for step in range(20, 40):  # from the last checkpoint on
            run.log_metrics({"loss": float(step)}, step)
    resumed = runs(layout)["videolm cope seed1"]
    assert [run.info.run_id for run in resumed] == [run.info.run_id for run in failed]
    assert resumed[0].info.status == "FINISHED"
    assert _history(layout, resumed[0], "loss") == [(step, float(step)) for step in range(40)]


def test_a_run_that_was_cut_off_before_it_was_ever_sent_is_sent_whole(layout: Layout, study: Study, runs: Runs) -> None:
    for step in range(3):  # every start states the parameters again
        with (
            pytest.raises(KeyboardInterrupt),
            tracking.stage_run(layout, study, stage="videolm", name="cope", params=PARAMS) as run,
        ):
            run.log_metrics({"loss": float(step)}, step)
            raise KeyboardInterrupt
    assert tracking.sync(layout) == tracking.Pushed(1, 3)
    sent = runs(layout)["videolm cope"][0]
    assert sent.data.params["learning_rate"] == "0.001"
    assert sent.info.status == "KILLED"


def test_what_a_resumed_run_logs_last_counts(layout: Layout, study: Study, runs: Runs) -> None:
    for values in ({1: 0.5, 2: 0.4}, {2: 0.3, 3: 0.2, 4: 0.1}):
        with pytest.raises(ZeroDivisionError), tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
            for step, value in values.items():
                run.log_metrics({"loss": value}, step)
                run.log_metrics({"loss": value}, step)
            raise ZeroDivisionError
    run = runs(layout)["delta cope seed0"][0]
    assert _history(layout, run, "loss") == [(1, 0.5), (2, 0.4), (2, 0.3), (3, 0.2), (4, 0.1)]


def test_other_parameters_or_a_finished_run_make_a_new_run(layout: Layout, study: Study, runs: Runs) -> None:
    for rate in (0.1, 0.2, 0.2):
        with tracking.stage_run(layout, study, stage="clip", name="clip", params={"rate": rate}) as run:
            run.log_metrics({"loss": rate})
    assert [run.data.params["rate"] for run in runs(layout)["clip clip"]] == ["0.1", "0.2", "0.2"]
    assert _spools(layout) == [f"clip/clip/00{attempt}.jsonl" for attempt in range(3)]


def test_an_interrupted_run_is_killed_until_it_is_resumed(layout: Layout, study: Study, runs: Runs) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.stage_run(layout, study, stage="delta", name="cope", seed=0):
        raise KeyboardInterrupt
    assert not list(layout.tracking.rglob("*.pushed")), "an interrupted process has no time for MLflow"
    assert tracking.sync(layout) == tracking.Pushed(1, 0)
    assert runs(layout)["delta cope seed0"][0].info.status == "KILLED"


def test_a_killed_process_loses_nothing(layout: Layout, runs: Runs) -> None:
    assert _child(layout, "cope", "die").wait() == -9
    assert tracking.sync(layout) == tracking.Pushed(1, 50)
    run = runs(layout)["delta cope seed0"][0]
    assert (run.info.status, len(_history(layout, run, "loss"))) == ("KILLED", 50)
    assert tracking.sync(layout) == tracking.Pushed(0, 0)
    resumed = _child(layout, "cope")
    assert resumed.wait() == 0, resumed.stderr
    again = runs(layout)["delta cope seed0"]
    assert [(run.info.run_id, run.info.status) for run in again] == [(run.info.run_id, "FINISHED")]


def test_processes_at_once_create_one_database_and_one_study_run(bare_layout: Layout, runs: Runs) -> None:
    children = [_child(bare_layout, name) for name in ("cope", "rgb")]
    for child in children:
        _, said = child.communicate(timeout=120)
        assert (child.returncode, said) == (0, "")
    found = runs(bare_layout)
    assert sorted(found) == ["delta cope seed0", "delta rgb seed0", "study mini"]
    assert all(len(same) == 1 for same in found.values())
    for name in ("cope", "rgb"):
        assert len(_history(bare_layout, found[f"delta {name} seed0"][0], "loss")) == 50


def test_one_run_has_one_writer(layout: Layout, study: Study) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0):
        child = _child(layout, "cope")
        _, said = child.communicate(timeout=60)
    assert child.returncode != 0
    assert "run delta/cope/seed0: another process is writing it" in said


def test_other_ranks_record_nothing(layout: Layout, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        run.log_metrics({"loss": 1.0}, 1)
        run.push()
    assert _spools(layout) == []


@pytest.mark.parametrize("name", ["../cope", "cope//stream", "a b", "", "x'y"])
def test_a_name_that_is_no_folder_is_refused(layout: Layout, study: Study, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a folder"), tracking.stage_run(layout, study, stage="delta", name=name):
        pass


def test_a_short_run_is_sent_at_once_only_when_it_fails(
    layout: Layout, study: Study, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framethrift.tracking.runs.AT_ONCE", 3600.0)
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        run.log_metrics({"loss": 1.0}, 1)
    assert not list(layout.tracking.rglob("*.pushed")) and tracking.has_news(layout)
    with pytest.raises(ZeroDivisionError), tracking.stage_run(layout, study, stage="delta", name="cope", seed=1):
        raise ZeroDivisionError
    sent = runs(layout)
    assert {name: sent[name][0].info.status for name in ("delta cope seed0", "delta cope seed1")} == {
        "delta cope seed0": "FINISHED",
        "delta cope seed1": "FAILED",
    }


def test_news_is_what_the_store_has_not_confirmed(layout: Layout, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framethrift.tracking.runs.AT_ONCE", 3600.0)
    assert not tracking.has_news(layout), "nothing was recorded"
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        run.log_metrics({"loss": 1.0}, 1)
        assert tracking.has_news(layout)
    tracking.sync(layout)
    assert not tracking.has_news(layout)
    with tracking.stage_run(layout, study, stage="evaluate", name="cope/cope_1k", seed=0):
        pass
    assert tracking.has_news(layout)
    tracking.sync(layout)
    (layout.tracking / "mlflow.db").unlink()
    assert tracking.has_news(layout), "the database is gone"


def test_news_of_a_damaged_spool_is_for_the_push_to_tell(layout: Layout, study: Study) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0):
        pass
    assert not tracking.has_news(layout)
    (spool,) = layout.tracking.rglob("*.jsonl")
    spool.write_bytes(spool.read_bytes() + b"{half\n")
    assert tracking.has_news(layout)
    with pytest.raises(tracking.TrackingError, match="not a JSON event"):
        tracking.sync(layout)


def test_a_lost_database_is_filled_again(layout: Layout, study: Study, runs: Runs, empty_database: Path) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        run.log_metrics({"loss": 1.0}, 1)
    shutil.copy(empty_database, layout.tracking / "mlflow.db")
    assert tracking.sync(layout) == tracking.Pushed(1, 1)
    assert runs(layout)["delta cope seed0"][0].info.status == "FINISHED"


def test_what_the_store_has_but_we_forgot_is_not_sent_twice(layout: Layout, study: Study, runs: Runs) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0, params=PARAMS) as run:
        for step in range(10):
            run.log_metrics({"loss": float(step)}, step)
    before = runs(layout)
    for memory in layout.tracking.rglob("*.pushed"):  # killed between sending and remembering
        memory.unlink()
    facts: dict[str, Any] = json.loads((layout.tracking / "study_run.json").read_text())
    (layout.tracking / "study_run.json").write_text(json.dumps(facts | {"stores": {}}))
    tracking.sync(layout)
    after = runs(layout)
    assert {name: [run.info.run_id for run in same] for name, same in after.items()} == {
        name: [run.info.run_id for run in same] for name, same in before.items()
    }
    assert len(_history(layout, after["delta cope seed0"][0], "loss")) == 10


def test_a_missing_artifact_is_named_in_the_run(layout: Layout, study: Study, runs: Runs) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0) as run:
        run.log_artifact(layout.root / "gone.png")
    stage = runs(layout)["delta cope seed0"][0]
    assert (stage.info.status, stage.data.tags["artifacts.missing"]) == ("FINISHED", "gone.png")


def test_the_spool_alone_tells_the_story(layout: Layout, study: Study) -> None:
    with tracking.stage_run(layout, study, stage="delta", name="cope", seed=0, params=PARAMS) as run:
        run.log_metrics({"loss": 0.5}, 7)
    events = read_events(layout.tracking / "spool" / "delta" / "cope" / "seed0" / "000.jsonl")
    assert [next(key for key in event if key != "at") for event in events] == ["start", "tags", "step", "end"]
    assert (events[2]["metrics"], events[2]["step"], events[3]["end"]) == ({"loss": 0.5}, 7, "FINISHED")
