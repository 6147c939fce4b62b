from pathlib import Path

import pandas as pd
import pytest

from framethrift.config import Layout, load_study
from framethrift.config.long_video_qa import Difficulty
from framethrift.config.study import Study
from framethrift.videos.curation import curate, verdict

TINY = Path(__file__).parents[1] / "workflow/tiny.yaml"
LONG = (
    "{kind: long_video_qa, recipe: needle, folder: f, captions: c.json, licence: own, difficulty: {too_easy: 0.75, too_hard: 0}}"
)


def prepared(folder: Path) -> tuple[Study, Layout]:
    """A study whose sampler learns from a long-video set with five rated questions, one of them about a rejected video."""
    study = load_study(TINY, [f"datasets.long={LONG}", "variants.sampler.dataset=long"])
    layout = Layout(folder / "results/tiny")
    ids = [f"q{number}" for number in range(6)]
    questions = pd.DataFrame({"question_id": ids, "video_id": ["v0", "v0", "v1", "v1", "bad", "v2"], "dataset": "long"})
    questions = questions.assign(type="first", split=["train"] * 5 + ["validation"])
    rates = pd.DataFrame({"question_id": ids[:4], "dataset": "long", "pass_rate": [0.0, 0.25, 0.75, 1.0]})
    tables = {
        layout.videos("long") / "questions.parquet": questions,
        layout.codec("long") / "videos.parquet": pd.DataFrame({"video_id": ["v0", "v1", "v2"]}),
        layout.pass_rates("mllm", 0): rates,
    }
    for path, table in tables.items():
        path.parent.mkdir(parents=True)
        table.to_parquet(path)
    return study, layout


def test_what_is_too_easy_or_too_hard_is_left_out_and_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study, layout = prepared(tmp_path)
    curate(study, layout, "mllm", 0)
    table = pd.read_parquet(layout.curated("mllm", 0)).set_index("question_id")
    assert dict(table["verdict"]) == {"q0": "too hard", "q1": "kept", "q2": "too easy", "q3": "too easy"}
    assert dict(table["pass_rate"]) == {"q0": 0.0, "q1": 0.25, "q2": 0.75, "q3": 1.0}
    assert "1 kept, 2 too easy, 1 too hard" in capfd.readouterr().err


def test_pass_rates_that_miss_a_question_are_refused(tmp_path: Path) -> None:
    study, layout = prepared(tmp_path)
    path = layout.pass_rates("mllm", 0)
    pd.read_parquet(path).iloc[1:].to_parquet(path)
    with pytest.raises(ValueError, match="lack 1 questions of 'long', 'q0' first"):
        curate(study, layout, "mllm", 0)
    assert not layout.curated("mllm", 0).exists()


def test_by_default_what_the_model_never_answers_stays() -> None:
    limits = Difficulty()
    assert [verdict(rate, limits) for rate in (0.0, 0.5, 0.9, 1.0)] == ["kept", "kept", "too easy", "too easy"]
