"""What a run leaves behind."""

import json
import sqlite3
import zipfile

import pandas as pd
import pytest

from framethrift.config import Layout
from framethrift.models.folder import verify
from tests.workflow.conftest import Run

pytestmark = pytest.mark.xdist_group("workflow")  # one process, so that the tiny study runs once


def test_every_model_folder_is_whole(finished_run: Run) -> None:
    layout = Layout(finished_run.folder / "results/tiny")
    for folder in (
        layout.vision,
        layout.clip,
        layout.delta("cope", 0),
        *(layout.model(name, 0) for name in ("cope", "mllm", "sampler", "msjoe")),
    ):
        assert verify(folder)["files"]


def test_cells_follow_from_their_questions(finished_run: Run) -> None:
    layout = Layout(finished_run.folder / "results/tiny")
    found = sorted(layout.root.glob("cells/*/*/seed0/cells.json"))
    assert len(found) == 4 + 2  # and two token reducers of the arena
    for path in found:
        for name, summary in json.loads(path.read_text(encoding="utf-8"))["benchmarks"].items():
            rows = [json.loads(line) for line in (path.parent / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
            assert summary["n"] == len(rows) > 0
            assert summary["correct"] == sum(row["score"] for row in rows)
            assert summary["videos"] == len({row["video_id"] for row in rows}) == 4
            blind = path.parts[-3] == "blind"
            assert all((row["visual_tokens"] == 0) == blind for row in rows)
            assert all(row["raw"] == "" or isinstance(row["raw"], str) for row in rows)


def test_delta_tokens_cost_what_the_budget_says(finished_run: Run) -> None:
    layout = Layout(finished_run.folder / "results/tiny")

    def tokens(sampling: str) -> set[int]:
        path = layout.cell("cope", sampling, 0) / "mini_motion.jsonl"
        return {json.loads(line)["visual_tokens"] for line in path.read_text(encoding="utf-8").splitlines()}

    assert tokens("rgb_1k") == {2 * (36 + 6)}
    assert tokens("cope_1k") == {2 * (36 + 6) + 6 * (8 + 2)}


def test_a_conversation_costs_its_video_once(finished_run: Run) -> None:
    path = Layout(finished_run.folder / "results/tiny").dialogue("cope", "cope_1k", 0)
    videos = json.loads(path.read_text(encoding="utf-8"))["videos"]
    assert [len(video["turns"]) for video in videos] == [2, 2]
    assert all(video["turns"][0]["read_tokens"] > 2 * (36 + 6) > video["turns"][1]["read_tokens"] for video in videos)


def test_report_and_its_tables_exist(finished_run: Run) -> None:
    report = finished_run.folder / "reports/tiny"
    assert (report / "index.html").stat().st_size > 2000
    assert list(report.glob("tables/*.csv"))
    assert list(report.glob("tables/*.tex"))
    assert list(report.glob("figures/*.svg"))


def test_mlflow_holds_every_stage_under_one_study_run(finished_run: Run) -> None:
    with sqlite3.connect(finished_run.folder / "results/tiny/tracking/mlflow.db") as database:
        runs = pd.read_sql("select run_uuid, name, status from runs", database)
        parents = pd.read_sql("select value from tags where key = 'mlflow.parentRunId'", database)
    assert len(set(parents["value"])) == 1
    # vision, clip, Δ-encoder, two VideoLMs, pass rates, sampler, joint evolution, four evaluations, latency; the study itself
    assert len(parents) >= 12
    assert set(runs["status"]) <= {"FINISHED", "RUNNING"}
    assert len(runs) == len(parents) + 1


def test_logs_lie_where_the_rules_say(finished_run: Run) -> None:
    logs = list((finished_run.folder / "results/tiny/logs").rglob("*.log"))
    assert len(logs) >= 15
    assert any("took" in log.read_text(encoding="utf-8") for log in logs)


def test_snakemakes_own_report_has_captions_and_categories(finished_run: Run) -> None:
    done = finished_run.snakemake("--report", "snakemake.zip")
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(finished_run.folder / "snakemake.zip") as archive:
        names = archive.namelist()
        text = "".join(archive.read(name).decode() for name in names if name.endswith((".html", ".js")) and "raw" not in name)
    for file in ("index.html", "claims.html", "pareto_seconds.svg", "filmstrip.png", "training_curves.svg"):
        assert any(name.endswith(file) for name in names), f"{file}: {names}"
    for category in ("Report", "Claims", "Accuracy against cost", "Codec and tokens", "Frame selection", "Training"):
        assert f'"{category}"' in text
    assert "hollow ones dominated" in text
