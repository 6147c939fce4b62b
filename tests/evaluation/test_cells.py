"""Rows and figures of a cell from answers alone, and scoring them again."""

import json
from pathlib import Path
from typing import Any

import pytest

from framethrift.config.benchmarks import Benchmark, load_benchmarks
from framethrift.evaluation.answering import Answer
from framethrift.evaluation.cells import (
    RunFacts,
    question_row,
    read_rows,
    rescored,
    summarise,
    whole_documents,
    write_rows,
)
from framethrift.evaluation.questions import Question
from framethrift.evaluation.rescoring import NotEvaluated, rescore
from framethrift.files import write_json

OPTIONS = ("a dog", "a cat", "a bird", "a fish")


def _benchmark(**changes: Any) -> Benchmark:
    return load_benchmarks()["nextqa"].model_copy(update=changes)


def _row(number: int, raw: str, *, query_text: str = "", tokens: int = 10, **changes: Any) -> dict[str, Any]:
    facts = {
        "options": OPTIONS,
        "answer": "a bird",
        "letter": "C",
        "part": ("back", "now")[number // 2 % 2],
        "benchmark": "nextqa",
    }
    names = {
        "question_id": f"q{number}",
        "video_id": f"v{number // 2}",
        "type": ("count", "what")[number % 2],
        "question": "what ?",
    }
    asked = Question(**{**names, "evidence": (), **facts, **changes})
    answer = Answer(raw, "prompt", [{"time": 0.0, "kind": "I"}], tokens, [], query_text, 0.5)
    return question_row(asked, answer, load_benchmarks()[asked.benchmark], 1.0)


def test_lettered_answers_score_by_the_options_letter() -> None:
    raws = ["C", "(C) a bird", "a bird", "B", "C or B"]
    rows = [_row(number, raw) for number, raw in enumerate(raws)]
    assert [row["parsed"] for row in rows] == ["C", "C", "C", "B", None]
    assert [row["score"] for row in rows] == [1, 1, 1, 0, 0]
    worded = [_row(number, raw, letter="") for number, raw in enumerate(raws)]
    assert [row["score"] for row in worded] == [0, 0, 1, 0, 0]


def test_figures_count_what_the_rows_say() -> None:
    texts = ["<query>a</query>", "no query", "", ""]
    rows = [_row(n, raw, query_text=text, tokens=n) for n, (raw, text) in enumerate(zip("CB?C", texts, strict=True))]
    figures = summarise(rows, _benchmark(), RunFacts({"v9": "truncated"}, 3, {"nextqa_mc_test": 0.75}), 100)
    assert (figures["n"], figures["videos"], figures["correct"], figures["accuracy"], figures["unparsable"]) == (4, 2, 2, 0.5, 1)
    expected = (1, 1.5, 0.25, 2)
    assert tuple(figures[n] for n in ("malformed_queries", "visual_tokens_mean", "chance", "seconds")) == expected
    assert (figures["agrees"], figures["lmms_accuracy"], figures["differing"]) == (False, 0.75, 2)
    assert (figures["missing_videos"], figures["missing_questions"], figures["missing_reasons"]) == (1, 3, {"v9": "truncated"})
    for breakdown, names in (("by_type", ("count", "what")), ("by_part", ("back", "now"))):
        assert {kind: (part["n"], part["accuracy"]) for kind, part in figures[breakdown].items()} == dict.fromkeys(
            names, (2, 0.5)
        )
    assert figures["low"] <= 0.5 <= figures["high"]


def test_the_benchmarks_own_average_is_used_where_it_has_one() -> None:
    rows = [_row(n, raw, type=kind) for n, (raw, kind) in enumerate(zip("CCCB", ["a", "a", "a", "b"], strict=True))]
    plain, macro = (summarise(rows, _benchmark(macro=levels), RunFacts(), 100) for levels in ([], ["type"]))
    assert (plain["accuracy"], macro["accuracy"], macro["correct"]) == (0.75, 0.5, 3)
    nested = summarise(rows, _benchmark(macro=["part", "type"]), RunFacts(), 100)
    assert nested["accuracy"] == pytest.approx((1 + 0.5) / 2)
    assert nested["by_part"]["now"]["accuracy"] == 0.5


def test_without_a_score_of_lmms_eval_nothing_is_said_about_it() -> None:
    rows = [_row(0, "C") | {"lmms_score": None}]
    figures = summarise(rows, _benchmark(), RunFacts(), 100)
    assert (figures["lmms_accuracy"], figures["agrees"], figures["differing"]) == (None, None, None)


def test_judged_answers_have_no_score_until_they_are_judged() -> None:
    open_question = {"benchmark": "activitynetqa", "options": (), "letter": "", "answer": "yes"}
    rows = [_row(n, raw, **open_question) for n, raw in enumerate(["yes", " "])]
    assert [(row["parsed"], row["score"]) for row in rows] == [("yes", None), (None, 0)]
    figures = summarise(rows, load_benchmarks()["activitynetqa"], RunFacts(), 100)
    assert (figures["judge"], figures["n"], figures["unparsable"], figures["chance"]) == ("not judged", 2, 1, None)
    assert "accuracy" not in figures


def test_scoring_again_from_the_question_files_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = [_row(n, raw) for n, raw in enumerate(["C", "B", "?", "(C) a bird"])]
    figures = summarise(rows, load_benchmarks()["nextqa"], RunFacts({"v9": "gone"}, 2, {"nextqa_mc_test": 0.5}), 100)
    write_rows(tmp_path / "nextqa.jsonl", rows)
    write_json(tmp_path / "cells.json", {"variant": "v", "benchmarks": {"nextqa": figures}, "created": "then"})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert rescore(tmp_path, 100) == []
    wrong = [{**row, "parsed": "A", "score": 0} for row in rows]
    write_rows(tmp_path / "nextqa.jsonl", wrong)
    write_json(
        tmp_path / "cells.json",
        {"variant": "v", "benchmarks": {"nextqa": {**figures, "accuracy": 0.9, "by_type": {}}}, "created": "then"},
    )
    assert rescore(tmp_path, 100) == ["nextqa"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises(NotEvaluated, match="evaluate the cell first"):
        rescore(tmp_path / "nowhere", 100)


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    rows = [_row(0, "Δ – ✓"), _row(1, "line\nbreak")]
    write_rows(tmp_path / "cell" / "b.jsonl", rows)
    assert read_rows(tmp_path / "cell" / "b.jsonl") == rows
    with pytest.raises(TypeError):
        write_rows(tmp_path / "cell" / "b.jsonl", [{"bad": object()}])
    write_json(tmp_path / "cell" / "cells.json", {"n": 1})
    assert json.loads((tmp_path / "cell" / "cells.json").read_text(encoding="utf-8")) == {"n": 1}
    assert read_rows(tmp_path / "cell" / "b.jsonl") == rows
    assert sorted(path.name for path in (tmp_path / "cell").iterdir()) == ["b.jsonl", "cells.json"]


@pytest.mark.parametrize(
    ("raws", "parsed", "score"),
    [
        (["no", "no", "Yes.", "yes"], "12 s", 1),
        (["yes", "no", "no", "no"], "10 s", 1),
        (["no", "no", "no", "no"], "never", 0),
        (["?", "", "perhaps", "yes and no"], None, 0),
    ],
)
def test_a_polled_question_is_right_or_wrong_as_a_whole(raws: list[str], parsed: str | None, score: int) -> None:
    polled = {"part": "proactive", "document_id": "p1", "document": json.dumps({"right": 12.0}), "letter": ""}
    choices = {"options": ("Yes", "No"), "answer": "No", "benchmark": "streamingbench"}
    rows = [_row(n, raw, until=10.0 + n, **polled, **choices) for n, raw in enumerate(raws)]
    other = _row(9, "C")
    found, same = whole_documents([*rows, other])
    assert same == other and found["question_id"] == "p1"
    assert (found["parsed"], found["score"], found["visual_tokens"], found["seconds"]) == (parsed, score, 40, 2.0)
    assert found["polls"] == [{"time": 10.0 + n, "raw": raw} for n, raw in enumerate(raws)]
    assert rescored(found, load_benchmarks()["streamingbench"]) == found
    late = [row | {"right": 20.0} for row in rows]
    assert whole_documents(late)[0]["score"] == 0
