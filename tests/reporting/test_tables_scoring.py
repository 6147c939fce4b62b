"""What the report says about the scores: lmms-eval's beside ours, judges, partial cells, parts, labels, corrections."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.evaluation.judging.cache import SHOWN, content_digest
from framethrift.evaluation.judging.protocols import PROTOCOLS
from framethrift.progress import Progress
from framethrift.reporting import render_report, tables_audit, tables_scoring
from framethrift.reporting.sources import Sources, read_sources
from framethrift.reporting.table import Column, Entry, Table
from framethrift.reporting.tables import study_tables
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import cell_rows, tiny, write_cell, write_tables
from tests.reporting.test_report import given

ONE_CELL = "cells=[{variants: [cope], samplings: [cope_1k], benchmarks: [mini_motion]}]"


def rows_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.csv(lambda file: file.name))))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "results" / "tiny")


def _sources(layout: Layout, study: Study) -> Sources:
    return read_sources(study, layout, Progress("test"))


def _one(layout: Layout, **summary: Any) -> tuple[Study, list[dict]]:
    study = tiny(ONE_CELL)
    rows = cell_rows(study, "cope", "cope_1k", "mini_motion", 0)
    for number, row in enumerate(rows):
        row["part"] = "backward" if number % 3 else "realtime"
    for row in rows[:4]:
        row["lmms_score"] = 1.0 - row["score"]
    write_cell(layout, "cope", "cope_1k", 0, {"mini_motion": rows})
    path = layout.cell("cope", "cope_1k", 0) / "cells.json"
    content = json.loads(path.read_text())
    content["benchmarks"]["mini_motion"] |= summary
    path.write_text(json.dumps(content))
    return study, rows


def test_both_scores_stand_side_by_side(layout: Layout) -> None:
    study, rows = _one(layout, lmms_accuracy=0.9, agrees=False, missing_questions=20, missing_reasons={"v": "truncated"})
    (row,) = rows_of(tables_scoring.scoring(_sources(layout, study)))
    ours = 100 * sum(row["score"] for row in rows) / len(rows)
    assert (float(row["ours"]), float(row["lmms"]), float(row["difference"])) == pytest.approx((ours, 90, ours - 90))
    assert (row["asked"], row["short"], row["differing"]) == ("180", "180 of 200 questions", "4")
    assert int(row["unparsable"]) == sum(row["parsed"] is None for row in rows)
    render_report(study, layout, layout.report)
    data = (layout.report / "questions" / "mini_motion" / "index.js").read_text()
    assert "lmms-eval's own score is 90.0 %, another on 4 answers" in data
    assert "partial: 180 of 200 questions" in data and '"realtime"' in data
    index = (layout.report / "index.html").read_text()
    assert "partial: 180 of 200 questions" in index
    assert "questions/mini_motion.html#cell=cope__cope_1k&amp;outcome=differs" in index


def test_no_score_of_lmms_eval_is_no_number(layout: Layout) -> None:
    study, _ = _one(layout, lmms_accuracy=None, agrees=None)
    table = tables_scoring.scoring(_sources(layout, study))
    assert table.rows[0]["lmms"].missing and "difference" not in table.rows[0]


def test_the_registry_says_how_many_questions_a_benchmark_has(layout: Layout) -> None:
    coverage = {"partial": True, "found_questions": 180, "expected_questions": 2700}
    study, _ = _one(layout, coverage=coverage)
    (row,) = rows_of(tables_scoring.scoring(_sources(layout, study)))
    assert row["short"] == "180 of 2700 questions"


def test_parts_are_reported_apart(layout: Layout) -> None:
    study, rows = _one(layout)
    tables = {table.name: table for table in study_tables(_sources(layout, study))}
    (entry,) = tables["parts_mini_motion"].rows
    for part in ("backward", "realtime"):
        own = [row["score"] for row in rows if row["part"] == part]
        assert entry[f"part_{part}"].value == pytest.approx(100 * sum(own) / len(own))
        assert entry[f"part_{part}"].page == f"questions/mini_motion.html#cell=cope__cope_1k&part={part}"
    assert "types_mini_motion" in tables and not any(name.startswith("parts_mini_s") for name in tables)


def test_a_macro_average_is_taken_from_the_registry(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    study, rows = _one(layout)
    macro = load_benchmarks()["mini_motion"].model_copy(update={"macro": ["part", "type"]})
    monkeypatch.setitem(load_benchmarks(), "mini_motion", macro)
    cell = _sources(layout, study).results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None
    expected = []
    for part in ("backward", "realtime"):
        by_type = [[r["score"] for r in rows if (r["part"], r["type"]) == (part, kind)] for kind in ("direction", "order")]
        expected.append(sum(sum(scores) / len(scores) for scores in by_type) / 2)
        own = cell.of("part", part)
        assert own is not None and own.accuracy.value == pytest.approx(expected[-1])
    assert cell.accuracy.value == pytest.approx(sum(expected) / 2)
    assert cell.against(cell).value == 0


def _judged(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> tuple[Study, list[dict], dict[str, Any]]:
    """The cell as one of open answers; verdicts on all, of which the judge failed on the third."""
    changes = {"scoring": "judge", "judge_protocol": "activitynet_qa"}
    monkeypatch.setitem(load_benchmarks(), "mini_motion", load_benchmarks()["mini_motion"].model_copy(update=changes))
    study, rows = _one(layout)
    open_rows = [row | {"options": [], "parsed": row["raw"], "score": None, "lmms_score": None} for row in rows]
    write_cell(layout, "cope", "cope_1k", 0, {"mini_motion": [row | {"score": 0} for row in open_rows]})
    path = layout.cell("cope", "cope_1k", 0) / "mini_motion.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in open_rows))
    protocol, verdicts = PROTOCOLS["activitynet_qa"], {}
    for number, row in enumerate(open_rows):
        digest = content_digest("judge-1", protocol.messages(row), protocol.max_tokens)[:SHOWN]
        verdict = None if number == 2 else {"right": number % 2, "rating": 5.0 * (number % 2)}
        verdicts[row["question_id"]] = {"verdict": verdict, "digest": digest}
    return study, open_rows, {"judge": {"model": "judge-1", "host": "h"}, "benchmarks": {"mini_motion": verdicts}}


def _reason(layout: Layout, study: Study) -> str | None:
    cell = _sources(layout, study).results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None
    return cell.missing


def test_a_cell_without_a_judge_is_not_judged(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    study, rows, content = _judged(layout, monkeypatch)
    assert _reason(layout, study) == "not judged (no verdicts for seed 0)"
    path = layout.judged("cope", "cope_1k", 0)
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"judge": None, "benchmarks": {"mini_motion": None}}))
    assert _reason(layout, study) == "not judged (no verdicts for seed 0)"
    for damaged in ([], {"judge": "judge-1", "benchmarks": {}}, {**content, "benchmarks": {"mini_motion": 5}}):
        path.write_text(json.dumps(damaged))
        assert _reason(layout, study) == "not judged (no verdicts for seed 0)"
        assert any("is no file of verdicts" in problem.what for problem in _sources(layout, study).problems)
    path.write_text(json.dumps({"judge": None, "benchmarks": {"mini_motion": None}}))
    entry = tables_scoring.scoring(_sources(layout, study)).rows[0]
    assert entry["ours"].value is None and "not judged" in str(entry["ours"].missing)
    path.write_text(json.dumps(content))
    sources = _sources(layout, study)
    (row,) = rows_of(tables_scoring.scoring(sources))
    assert (row["asked"], row["failed"]) == ("179", "1")
    assert float(row["ours"]) == pytest.approx(100 * 90 / 179)
    (row,) = rows_of(tables_scoring.other_metrics(sources))
    assert float(row["metric_rating (0-5)"]) == pytest.approx(5 * 90 / 179)
    answers = layout.cell("cope", "cope_1k", 0) / "mini_motion.jsonl"
    answers.write_text("".join(json.dumps(row | {"raw": "another answer"}) + "\n" for row in rows))
    assert _reason(layout, study) == "not judged (no verdicts for seed 0)"
    assert any("judge the cell again" in problem.what for problem in _sources(layout, study).problems)


def test_labels_are_counted_and_shown_with_their_questions(layout: Layout) -> None:
    study, rows = _one(layout)
    write_tables(study, layout)
    labels = {row["question_id"]: ("without video", "needs order")[number % 2] for number, row in enumerate(rows)}
    counts = {"without video": 90, "without order": 0, "needs order": 90, "other": 0}
    runs = {"blind": 3, "shuffled": 3, "normal": 3}
    content = {"mini_motion": {"counts": counts, "lucky": 7.5, "runs": runs, "cells": {}, "questions": labels}}
    layout.labels("cope").write_text(json.dumps(content))
    (row,) = rows_of(tables_scoring.question_needs(_sources(layout, study)))
    assert (row["asked"], row["label_without_video"], row["label_needs_order"], row["lucky"]) == ("180", "90", "90", "7.5")
    render_report(study, layout, layout.report)
    folder = layout.report / "questions" / "mini_motion"
    names = given(folder / "index.js")["labels"]
    questions = [row[0] for path in sorted(folder.glob("text-*.js")) for row in given(path)]
    told = given(folder / "of-cope__cope_1k.js")["labels"]
    assert {question: names[number] for question, number in zip(questions, told, strict=True)} == labels


def test_differences_of_one_table_are_one_family() -> None:
    p_values = [0.001, 0.02, 0.03, 0.6]
    rows = [{"d": Entry("+1.0", 1.0, 0.5, 1.5, p_value=value)} for value in p_values]
    table = Table("t", "T", "C.", [Column("d", "D")], rows)
    table.correct()
    assert [row["d"].corrected for row in rows] == pytest.approx([0.004, 0.06, 0.06, 0.6])
    assert [row["d"].note for row in rows] == ["", "inconclusive", "inconclusive", "inconclusive"]
    assert table.caption.endswith("hold at 5% after Holm's correction for the 4 of this table.")
    first = rows_of(table)[0]
    assert (float(first["d_p"]), float(first["d_p_holm"])) == pytest.approx((0.001, 0.004))


def test_what_can_be_detected_follows_from_the_size(finished: Finished) -> None:
    rows = rows_of(tables_scoring.detectable(finished.sources))
    assert [(row["questions"], row["videos"]) for row in rows] == [("180", "30")] * 3
    # 2.9 standard errors of sqrt(0.25 * 1.5 / 180)
    assert float(rows[0]["by_size"]) == pytest.approx(100 * 2.9 * (0.25 * 1.5 / 180) ** 0.5, rel=0.02)
    assert all(3 < float(row["measured"]) < 25 for row in rows if row["measured"])


def test_a_table_computed_again_from_the_question_files_has_the_same_bytes(finished: Finished, tmp_path: Path) -> None:
    def tables(layout: Layout) -> dict[str, str]:
        found = study_tables(_sources(layout, finished.study))
        return {table.name: table.csv(lambda file: file.name) for table in found}

    again = Layout(tmp_path / "results" / "tiny")
    for path in finished.layout.root.rglob("cells/**/*.jsonl"):
        target = again.root / path.relative_to(finished.layout.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    expected, found = tables(finished.layout), tables(again)
    names = [name for name in expected if name.startswith(("table_1", "table_h3", "types_", "msjoe_table_1", "blind"))]
    assert len(names) >= 6
    evidence = {"msjoe_table_1"}  # evidence intervals are in the questions' table, not in the cells
    assert {name: found[name] for name in names if name not in evidence} == {n: expected[n] for n in names if n not in evidence}


def test_part_tables_are_named_after_what_they_group(finished: Finished) -> None:
    assert tables_audit.question_groups(finished.sources, "mini_motion", "part").rows == []
