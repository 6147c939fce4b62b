"""A long-video question set from files to a jointly trained model: built, encoded, rated, curated, learnt from, reported."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from framethrift.config import Layout, Study
from framethrift.models.folder import verify
from framethrift.models.reasoning import parse_queries
from framethrift.reporting import render_report
from framethrift.tracking import runs
from framethrift.videos.curation import curate
from framethrift.videos.tables import QUARANTINE, VIDEOS, read_rows
from lightning_modules.curated import kept
from lightning_modules.joint_evolution import train_joint
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.rollouts import ask
from lightning_modules.sampler_pretraining import train_sampler
from tests.lightning_modules.needle_study import build
from tests.videos.long_world import EVENTS, long_folder

STEPS = {"sampler": {"steps": 2, "questions": 4, "draws": 2, "tries": 4}, "joint": {"steps": 1, "questions": 2, "group": 4}}


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Layout]:
    """The study up to the curation of its long-video set."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("long")
    folder, captions = long_folder(root)
    long = {"kind": "long_video_qa", "recipe": "needle", "folder": str(folder), "captions": str(captions), "licence": "own"}
    limits = {"shortest_minutes": 2, "validation_share": 0.3, "difficulty": {"too_easy": 0.75}}
    changes = {"datasets": {"long": long | limits}, "variants": {"sampler": {"dataset": "long"}}, "training": STEPS}
    study, layout = build(root, {**changes, "models": {"language": {"context": 1024}}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_push", lambda layout: None)
        measure_pass_rates(study, layout, "mllm", 0)
    curate(study, layout, "mllm", 0)
    return study, layout


def test_bad_videos_are_in_quarantine_and_their_questions_nowhere(rated: tuple[Study, Layout]) -> None:
    _, layout = rated
    reasons = {row["path"]: row["reason"] for row in read_rows(QUARANTINE, layout.videos("long"))}
    assert reasons["cut.mp4"] == "truncated" and reasons["empty.mp4"] == "empty_file" and len(reasons) == 5
    good = {row["video_id"] for row in read_rows(VIDEOS, layout.videos("long"))}
    asked = [*ask(layout, "long", "train")[0], *ask(layout, "long", "validation")[0]]
    assert {one.video_id for one in asked} == good and len(asked) == 24
    assert all(one.prompt.startswith(one.question) and f"B. {one.options[1]}" in one.prompt for one in asked)


def test_difficulty_comes_from_pass_rates_and_decides_what_is_learnt_from(rated: tuple[Study, Layout]) -> None:
    study, layout = rated
    rates = pd.read_parquet(layout.pass_rates("mllm", 0))
    assert set(rates["dataset"]) == {"long"} and 0 < rates["pass_rate"].mean() < 0.75, "letters are guessed"
    assert rates["query_text"].map(lambda text: bool(parse_queries(text))).any()
    table = pd.read_parquet(layout.curated("mllm", 0)).set_index("question_id")
    assert ((table["verdict"] == "too easy") == (table["pass_rate"] >= 0.75)).all()
    asked = ask(layout, "long", "train")[0]
    left = {one.question_id for one in kept(study, layout, "joint", 0, asked)}
    assert left == set(table.index[table["verdict"] == "kept"]) and len(left) > 0
    with pytest.raises(ValueError, match=r"lacks 1 questions, 'new' first: curate again"):
        kept(study, layout, "sampler", 0, [*asked, type(asked[0])("new", "v", "?", "a", ("a", "b"), True, ())])


def test_both_stages_learn_from_it_and_the_report_has_its_page(
    rated: tuple[Study, Layout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_push", lambda layout: None)
    study, layout = rated
    train_sampler(study, layout, "sampler", 0)
    train_joint(study, layout, "joint", 0)
    assert verify(layout.model("joint", 0))["kind"] == "joint"
    render_report(study, layout, tmp_path / "report")
    page = (tmp_path / "report/long_videos.html").read_text(encoding="utf-8")
    assert "3.0 to 3.0 minutes" in page and "truncated" in page and "too short" in page and EVENTS[0] not in page
    difficulty = pd.read_csv(tmp_path / "report/tables/long_long_difficulty.csv")
    table = pd.read_parquet(layout.curated("mllm", 0))
    assert difficulty["rated"].tolist() == [len(table)] and difficulty["kept"].tolist() == [(table["verdict"] == "kept").sum()]
    assert difficulty[[f"c{n}" for n in range(3, 9)]].sum(axis=1).tolist() == [len(table)]
    questions = pd.read_csv(tmp_path / "report/tables/long_long_questions.csv")
    assert questions["questions"].sum() == 24 and (questions["commonest"] - questions["rarest"] >= 0).all()
    assert "long_videos.html" in (tmp_path / "report/index.html").read_text(encoding="utf-8")
