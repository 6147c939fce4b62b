"""Every published benchmark, end to end and offline: its look-alike, re-encoded, asked by a tiny model of each class, scored by
lmms-eval's real task code and by ours."""

import json
from typing import Any

import pytest
import tiny_baselines
from judge_server import SECRET, Handler, serving
from look_alikes import BENCHMARKS, SOURCES, make, settings
from tiny_study import SETTINGS, save_videolm

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.judge import KEY, MODEL, URL
from framethrift.config.study import merge
from framethrift.evaluation import lmms_tasks
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.judging.judge import Pace, judge_cells
from framethrift.evaluation.judging.verdicts import with_verdicts
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import build_siglip
from framethrift.videos import build_dataset

LENGTH = 3  # tokens per answer: random models do not stop by themselves
CELLS = {"cope": "stream", "llava_onevision": "uniform", "qwen2_5_vl": "uniform"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):  # type: ignore[no-untyped-def]
    """(study, layout) with the look-alikes of all benchmarks, encoded, and a tiny model of each class."""
    base = tmp_path_factory.mktemp("every")
    asked = settings(*BENCHMARKS)
    baselines = {
        name: {"kind": "baseline", "family": name, "source": str(base / name), "precision": "float32"} for name in list(CELLS)[1:]
    }
    for name in baselines:
        getattr(tiny_baselines, name)(base / name)
    more: dict[str, Any] = {
        "recipes": asked["recipes"],
        "datasets": asked["datasets"],
        "models": {"language": {"context": 16384}},
        "samplings": {"stream": {"kind": "stream", "max_gops": 2}, "uniform": {"kind": "select", "frames": 2}},
        "variants": {**baselines, "cope": {"kind": "videolm", "datasets": ["motion"], "samplings": ["stream"]}},
    }
    raw = merge(SETTINGS, more)
    blocks = [{"variants": [variant], "samplings": [shown], "benchmarks": list(BENCHMARKS)} for variant, shown in CELLS.items()]
    raw |= {"allow_partial": True, "cells": blocks, "latency": []}
    loaded, layout = Study.model_validate(raw), Layout(base / "results" / "tiny")
    for source in SOURCES:
        make(base / "data", source)
        build_dataset(loaded.datasets[source], source, layout.root, root=base / "data", allow_partial=True)
        encode_dataset(layout.root, source, loaded.recipes["look_alike"])
    tokenizer = build_tokenizer(
        ["which option is right ? answer with the letter of the option"], loaded.models.language.vocabulary
    )
    build_siglip(loaded.models.vision, len(tokenizer), seed=0).save_pretrained(layout.vision)
    save_videolm(loaded, layout, "cope", tokenizer, 0)
    return loaded, layout


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    original = lmms_tasks.decoding_of

    def short(told):  # type: ignore[no-untyped-def]
        return LENGTH, original(told)[1]

    monkeypatch.setattr(lmms_tasks, "decoding_of", short)


@pytest.mark.parametrize("variant", CELLS)
def test_every_benchmark_runs_end_to_end(study, variant: str) -> None:  # type: ignore[no-untyped-def]
    loaded, layout = study
    sampling = CELLS[variant]
    evaluate_cells(loaded, layout, variant, sampling, [0])
    folder = layout.cell(variant, sampling, 0)
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["benchmarks"]
    assert list(cells) == list(BENCHMARKS)
    for name, figures in cells.items():
        registered, rows = load_benchmarks()[name], read_rows(folder / f"{name}.jsonl")
        assert len(rows) >= 10 and figures["n"] > 0, name
        assert figures["missing_videos"] == 0, name
        assert all(row["shown"] and row["visual_tokens"] > 0 and row["prompt"] for row in rows), name
        if registered.scoring == "judge":
            assert figures["lmms_accuracy"] is None and "accuracy" not in figures, name
        else:
            assert 0 <= figures["accuracy"] <= 1, name
            assert not registered.lmms_metrics or 0 <= figures["lmms_accuracy"] <= 1, name
    assert len({row["raw"] for row in rows}) > 1


def test_open_answers_wait_for_their_judge(study, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    loaded, layout = study
    cell = ("cope", CELLS["cope"], 0)
    if not (layout.cell(*cell) / "cells.json").is_file():
        evaluate_cells(loaded, layout, *cell[:2], [cell[2]])
    figures = json.loads((layout.cell(*cell) / "cells.json").read_text(encoding="utf-8"))["benchmarks"]
    waiting = {name for name, found in figures.items() if found.get("judge") == "not judged"}
    assert waiting == {"activitynetqa", "cvrr_es", "video_tt_open"}
    for name in (URL, MODEL, KEY):
        monkeypatch.delenv(name, raising=False)
    judge_cells(loaded, layout, *cell, Pace())
    assert json.loads(layout.judged(*cell).read_text())["benchmarks"] == dict.fromkeys(sorted(waiting))

    def approves(handler: Handler, body: dict[str, Any]) -> None:
        handler.say(json.dumps({"pred": "correct" if "misled" in str(body) else "yes", "score": 3}))

    with serving(then=approves) as server:
        for name, value in ((URL, server.url), (MODEL, "judge-1"), (KEY, SECRET)):
            monkeypatch.setenv(name, value)
        judge_cells(loaded, layout, *cell, Pace(per_minute=60_000))
    judged = json.loads(layout.judged(*cell).read_text())["benchmarks"]
    for name in waiting:
        rows = read_rows(layout.cell(*cell) / f"{name}.jsonl")
        found, failed = with_verdicts(rows, str(load_benchmarks()[name].judge_protocol), "judge-1", judged[name])
        assert failed == 0 and len(found) == len(rows)
        assert all(row["score"] == (row["parsed"] is not None) for row in found), name


def test_prompts_are_the_tasks_own(study) -> None:  # type: ignore[no-untyped-def]
    layout = study[1]
    folder = layout.cell("qwen2_5_vl", "uniform", 0)
    if not (folder / "cells.json").is_file():
        evaluate_cells(study[0], layout, "qwen2_5_vl", "uniform", [0])
    told = {name: read_rows(folder / f"{name}.jsonl")[0]["prompt"] for name in BENCHMARKS}
    assert "Answer with the option's letter from the given choices directly." in told["perceptiontest"]
    assert "Only give the best option." in told["mvbench"]
    assert "This video's subtitles are listed below" in told["videomme_subtitles"]
    assert "Answer the question using a single word or phrase." in told["activitynetqa"]


def test_nothing_after_the_question_is_shown(study) -> None:  # type: ignore[no-untyped-def]
    from framethrift.evaluation.questions import load_asked

    loaded, layout = study
    for variant, sampling in CELLS.items():
        folder = layout.cell(variant, sampling, 0)
        if not (folder / "cells.json").is_file():
            evaluate_cells(loaded, layout, variant, sampling, [0])
        for name in ("ovo_bench", "streamingbench"):
            until: dict[str, float | None] = {}
            for question in load_asked(loaded, layout, name).questions:  # polls of one document are one row: the first one's
                until.setdefault(question.question_id, question.until)
                until.setdefault(question.document_id, question.until)
            rows = [row for row in read_rows(folder / f"{name}.jsonl") if until[row["question_id"]] is not None]
            assert rows, name
            assert all(item["time"] <= until[row["question_id"]] for row in rows for item in row["shown"])
