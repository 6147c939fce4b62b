"""Rows and figures of a cell from answers alone."""

import json
from pathlib import Path

import pytest

from framethrift.evaluation.answering import Answer
from framethrift.evaluation.cells import question_row, read_rows, summarise, write_json, write_rows
from framethrift.evaluation.questions import Question

OPTIONS = ("a dog", "a cat", "a bird", "a fish")


def _row(number: int, raw: str, *, lettered: bool = True, query_text: str = "", tokens: int = 10):  # type: ignore[no-untyped-def]
    asked = Question(f"q{number}", f"v{number // 2}", "b", ("count", "what")[number % 2], "what ?", "a bird", OPTIONS, ())
    answer = Answer(raw, "prompt", [{"time": 0.0, "kind": "I"}], tokens, [], query_text, 0.5)
    return question_row(asked, answer, lettered, 1.0)


def test_lettered_answers_score_by_the_options_letter() -> None:
    raws = ["C", "(C) a bird", "a bird", "B", "C or B"]
    rows = [_row(number, raw) for number, raw in enumerate(raws)]
    assert [row["parsed"] for row in rows] == ["C", "C", "C", "B", None]
    assert [row["score"] for row in rows] == [1, 1, 1, 0, 0]
    worded = [_row(number, raw, lettered=False) for number, raw in enumerate(raws)]
    assert [row["score"] for row in worded] == [0, 0, 1, 0, 0]


def test_figures_count_what_the_rows_say() -> None:
    texts = ["<query>a</query>", "no query", "", ""]
    rows = [_row(n, raw, query_text=text, tokens=n) for n, (raw, text) in enumerate(zip("CB?C", texts, strict=True))]
    figures = summarise(rows, missing={"v9": "truncated"}, missing_questions=3, lmms_accuracy=0.75, resamples=100)
    assert (figures["n"], figures["videos"], figures["correct"], figures["accuracy"], figures["unparsable"]) == (4, 2, 2, 0.5, 1)
    assert (figures["malformed_queries"], figures["visual_tokens_mean"], figures["chance"], figures["seconds"]) == (
        1,
        1.5,
        0.25,
        2,
    )
    assert (figures["agrees"], figures["lmms_accuracy"]) == (False, 0.75)
    assert (figures["missing_videos"], figures["missing_questions"], figures["missing_reasons"]) == (1, 3, {"v9": "truncated"})
    assert {kind: (part["n"], part["accuracy"]) for kind, part in figures["by_type"].items()} == {
        "count": (2, 0.5),
        "what": (2, 0.5),
    }
    assert figures["low"] <= 0.5 <= figures["high"]


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
