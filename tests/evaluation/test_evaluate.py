"""Whole cells through lmms-eval's own loop."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from lmms_eval.api.model import lmms
from lmms_eval.models import get_model

from framethrift.config import Layout
from framethrift.evaluation.answering import Answerer
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.lmms_model import ChatModel, SimpleModel
from framethrift.evaluation.lmms_tasks import UnsupportedRequest, offline, open_tasks, run_tasks, write_tasks
from framethrift.evaluation.parse import parse_answer
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.statistics import accuracy
from framethrift.evaluation.tasks.mini import scoring
from framethrift.models.folder import ModelFolderError


@pytest.fixture
def study(tiny, tmp_path: Path):  # type: ignore[no-untyped-def]
    """(study, layout) of a copy that a test may write to and damage."""
    target = tmp_path / "results" / "tiny"
    shutil.copytree(tiny[1].root, target)
    return tiny[0], Layout(target)


def _evaluate(study, variant: str, sampling: str):  # type: ignore[no-untyped-def]
    settings, layout = study
    evaluate_cells(settings, layout, variant, sampling, [0])
    folder = layout.cell(variant, sampling, 0)
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
    return cells, {name: read_rows(folder / f"{name}.jsonl") for name in cells["benchmarks"]}


def test_a_cell_keeps_every_question_and_its_figures_follow_from_them(study) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    (layout.cell("cope", "cope", 0) / ".lmms-scoring-of-a-killed-run").mkdir(parents=True)
    cells, rows = _evaluate(study, "cope", "cope")
    assert {name: len(found) for name, found in rows.items()} == {"mini_motion": 20, "mini_static": 16}
    for name, found in rows.items():
        figures, asked = cells["benchmarks"][name], load_asked(settings, layout, name)
        assert [row["question_id"] for row in found] == [q.question_id for q in asked.questions]
        for row in found:
            assert row["parsed"] == parse_answer(row["raw"], row["options"], lettered=False)
            assert row["score"] == row["lmms_score"] == (row["parsed"] == row["answer"])
            assert [item["kind"] for item in row["shown"]] == ["I", "P", "I", "P"]
            assert [item["time"] for item in row["shown"]] == [0.0, 0.16, 0.32, 0.48]
            assert row["prompt"].count("<|video|>") == 1 and row["question"] in row["prompt"]
            assert row["visual_tokens"] == 52 and row["seconds"] > 0 and row["queries"] == []
        expected = accuracy([row["score"] for row in found], [row["video_id"] for row in found], resamples=settings.bootstrap)
        assert (figures["accuracy"], figures["low"], figures["high"]) == (expected.value, expected.low, expected.high)
        assert figures["accuracy"] == figures["lmms_accuracy"] and figures["agrees"]
        assert figures["unparsable"] == sum(row["parsed"] is None for row in found)
        assert sum(part["n"] for part in figures["by_type"].values()) == figures["n"] == len(found)
    assert cells["benchmarks"]["mini_static"]["chance"] == pytest.approx(0.25)
    assert set(cells["digests"]) == {"model", "questions/motion", "codec/motion"}
    assert not list(layout.cell("cope", "cope", 0).glob(".*"))


def test_the_same_cell_twice_is_the_same(study) -> None:  # type: ignore[no-untyped-def]
    first, second = _evaluate(study, "sampler", "msjoe"), _evaluate(study, "sampler", "msjoe")
    for name, rows in first[1].items():
        timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in found] for found in (rows, second[1][name])]
        assert timeless[0] == timeless[1]
    assert {"model", "sampler", "clip"} <= first[0]["digests"].keys()
    assert first[0]["benchmarks"]["mini_needle"]["malformed_queries"] == 12


def test_a_right_answer_scores(study, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    answers = {(q.video_id, q.question): q.answer for q in load_asked(settings, layout, "mini_motion").questions}
    answers |= {(q.video_id, q.question): "no idea" for q in load_asked(settings, layout, "mini_static").questions}

    original = Answerer.answer

    def told(self, asks, lengths):  # type: ignore[no-untyped-def]
        for index, answer in original(self, asks, lengths):
            raw = answers[asks[index].video.video_id, asks[index].question]
            yield index, replace(answer, raw=f" {raw.capitalize()}.\nwhat follows a stop string is no part of the answer")

    monkeypatch.setattr(Answerer, "answer", told)
    cells, rows = _evaluate(study, "cope", "drop")
    motion, static = cells["benchmarks"]["mini_motion"], cells["benchmarks"]["mini_static"]
    assert (motion["accuracy"], motion["lmms_accuracy"], motion["unparsable"], motion["correct"]) == (1.0, 1.0, 0, 20)
    assert (static["accuracy"], static["lmms_accuracy"], static["unparsable"], static["correct"]) == (0.0, 0.0, 16, 0)
    assert {row["raw"] for row in rows["mini_static"]} == {" No idea."}


def test_a_score_of_lmms_eval_that_differs_is_stated(study, monkeypatch, capfd) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(scoring, "mean_score", lambda results: 0.75)
    cells, _ = _evaluate(study, "cope", "blind")
    figures = cells["benchmarks"]["mini_motion"]
    assert (figures["lmms_accuracy"], figures["agrees"]) == (0.75, False) and figures["accuracy"] != 0.75
    assert "mini_motion: lmms-eval's score 0.7500 differs from ours" in capfd.readouterr().err


def test_the_blind_control_shows_nothing(study) -> None:  # type: ignore[no-untyped-def]
    cells, rows = _evaluate(study, "mllm", "blind")
    for row in rows["mini_needle"]:
        assert row["shown"] == [] and row["visual_tokens"] == 0 and "<|" not in row["prompt"].replace("<|im_", "")
    assert set(cells["seconds"]) == {"answer"}


def test_missing_videos_are_counted_and_their_questions_left_out(study) -> None:  # type: ignore[no-untyped-def]
    _, layout = study
    manifest, quarantine = (layout.codec("motion") / f"{name}.parquet" for name in ("videos", "quarantine"))
    table = pq.read_table(manifest)
    gone = min(row["video_id"] for row in table.to_pylist() if row["split"] == "test")
    pq.write_table(table.filter([video_id != gone for video_id in table["video_id"].to_pylist()]), manifest)
    rejected = [{"video_id": gone, "path": "x.avi", "reason": "truncated", "detail": "half a file"}]
    pq.write_table(pq.read_table(quarantine).from_pylist(rejected), quarantine)
    cells, rows = _evaluate(study, "cope", "swap")
    figures = cells["benchmarks"]["mini_motion"]
    assert (figures["missing_videos"], figures["missing_questions"], figures["n"], figures["videos"]) == (1, 5, 15, 3)
    assert figures["missing_reasons"] == {gone: "truncated"}
    assert gone not in {row["video_id"] for row in rows["mini_motion"]}


def test_a_damaged_model_folder_stops_before_anything_is_written(study) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    weights = layout.model("cope", 0) / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelFolderError, match=r"model\.safetensors does not have the SHA-256"):
        evaluate_cells(settings, layout, "cope", "cope", [0])
    assert not layout.answers("cope", "cope", 0).exists() and not list(layout.cell("cope", "cope", 0).iterdir())
    with pytest.raises(KeyError, match="evaluates no 'cope' under 'top_k'"):
        evaluate_cells(settings, layout, "cope", "top_k", [0])


def test_lmms_eval_finds_our_model_by_name_and_feeds_it_any_clip(study, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    named = get_model("framethrift")
    assert named is ChatModel and issubclass(named, lmms) and get_model("framethrift", True) is SimpleModel
    arguments = f"checkpoint={layout.root / 'models' / 'cope'},device=cpu"
    model = named.create_from_arg_string(arguments, {"batch_size": 1, "max_batch_size": None, "device": None})
    asked = load_asked(settings, layout, "mini_static")
    sources = {row["video_id"]: row["path"] for row in pq.read_table(layout.videos("motion") / "videos.parquet").to_pylist()}
    videos = {key: replace(video, path=layout.root / sources[key]) for key, video in asked.videos.items()}
    with offline(tmp_path):
        write_tasks(tmp_path, "mini_static", asked.questions, videos)
        results = run_tasks(model, open_tasks(tmp_path, ["mini_static"], "chat"), tmp_path)
    _, rows = _evaluate(study, "cope", "cope")
    raw = [sample["resps"][0][0] for sample in results["samples"]["mini_static"]]
    assert raw == [row["raw"] for row in rows["mini_static"]]
    assert results["results"]["mini_static"]["accuracy,none"] == 0


def test_what_generation_cannot_serve_is_refused(study) -> None:  # type: ignore[no-untyped-def]
    _, layout = study
    model = SimpleModel(str(layout.root / "models" / "cope"), device="cpu")
    request = SimpleNamespace(
        task_name="some_task", args=("?", {"do_sample": True}, lambda doc: ["v.mp4"], 0, "some_task", "test")
    )
    with pytest.raises(UnsupportedRequest, match="some_task"):
        model.loglikelihood([request])
    model.task_dict = {"some_task": {"test": [{"question": "?"}]}}
    with pytest.raises(UnsupportedRequest, match="only greedy decoding"):
        model.generate_until([request])
    request.args = ("?", {"max_new_tokens": 3}, lambda doc: [], 0, "some_task", "test")
    with pytest.raises(UnsupportedRequest, match="found 0 visuals"):
        model.generate_until([request])


def test_task_functions_score_strictly() -> None:
    doc = {
        "question": "which way ?",
        "options": ["left", "right"],
        "answer": "left",
        "question_id": "q",
        "video_id": "v",
        "video": "/v",
    }
    scores = [scoring.process_results(doc, [raw])["accuracy"]["score"] for raw in ("left", "Left.", "right", "left or right", "")]
    assert scores == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert scoring.mean_score([{"score": score} for score in scores]) == pytest.approx(0.4)
    assert scoring.doc_to_text(doc) == "which way ?" and scoring.doc_to_visual(doc) == ["/v"]
