"""Cells are read from their questions; whatever is wrong with the files is said, and nothing is repaired."""

import json
from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.reporting.latency_file import Latencies
from framethrift.reporting.results import Results
from framethrift.reporting.retrieval_file import Retrievals
from framethrift.reporting.stage_runs import read_stage_runs
from tests.reporting.fake_results import RIGHT, cell_rows, tiny, write_cell, write_results

ONE_CELL = "cells=[{variants: [cope], samplings: [cope_1k], benchmarks: [mini_motion]}]"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "results" / "tiny")


def one(layout: Layout, *overrides: str) -> Results:
    """The study with one cell, its files written."""
    study = tiny(ONE_CELL, *overrides)
    for seed in study.seeds:
        write_cell(layout, "cope", "cope_1k", seed, {"mini_motion": cell_rows(study, "cope", "cope_1k", "mini_motion", seed)})
    return Results(study, layout)


def reread(layout: Layout, *overrides: str) -> tuple[Results, list[str]]:
    results = Results(tiny(ONE_CELL, *overrides), layout)
    return results, [problem.what for problem in results.problems]


def path_of(layout: Layout, seed: int = 0) -> Path:
    return layout.cell("cope", "cope_1k", seed) / "mini_motion.jsonl"


def test_a_cell_is_what_its_questions_say(layout: Layout) -> None:
    results = one(layout)
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and results.problems == []
    rows = [json.loads(line) for line in path_of(layout).read_text().splitlines()]
    assert cell.accuracy.value == pytest.approx(sum(row["score"] for row in rows) / len(rows))
    assert cell.accuracy.low < cell.accuracy.value < cell.accuracy.high
    assert abs(cell.accuracy.value - RIGHT["cope", "cope_1k"]) < 0.08
    assert cell.accuracy.clusters == 30
    assert cell.tokens == 2 * 42 + 6 * 10
    assert cell.unparsable == sum(row["parsed"] is None for row in rows)
    part = cell.of("type", "order")
    assert part is not None and len(part.rows) == 90
    assert cell.of("type", "colour") is None


def test_a_truncated_file_loses_its_last_line_and_says_so(layout: Layout) -> None:
    one(layout)
    data = path_of(layout).read_bytes()
    path_of(layout).write_bytes(data[:-40])
    results, problems = reread(layout)
    assert any("line 180 of 180 is no JSON" in problem for problem in problems)
    assert any("says n 180, its questions give 179; the questions are used" in problem for problem in problems)
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and len(cell.rows) == 179


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 2}, "score is 2, expected 0 to 1"),
        ({"score": "1"}, "score is '1', expected int or float"),
        ({"benchmark": "mini_static"}, "benchmark is 'mini_static', expected 'mini_motion'"),
        ({"parsed": None, "score": 1}, "an unparsable answer has a score above 0"),
        ({"shown": [{"time": 1.0}]}, "shown must be a list of {time, kind}"),
        ({"question_id": "mini_motion-000-1"}, "appears twice"),
        ({"answer": ...}, "answer is missing"),
    ],
)
def test_an_unusable_line_is_left_out_and_named(layout: Layout, change: dict, message: str) -> None:
    one(layout)
    lines = path_of(layout).read_text().splitlines()
    row = json.loads(lines[4]) | change
    lines[4] = json.dumps({name: value for name, value in row.items() if value is not ...})
    path_of(layout).write_text("\n".join(lines) + "\n")
    _, problems = reread(layout)
    assert any(message in problem and "line 5" in problem and "left out" in problem for problem in problems)


def test_a_file_of_rubbish_is_no_cell(layout: Layout) -> None:
    one(layout)
    path_of(layout).write_bytes(b"\xff\xfe\x00rubbish")
    results, problems = reread(layout)
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and cell.missing == "its files hold no usable question"
    assert any("not UTF-8 text" in problem for problem in problems)


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "says nothing about mini_motion"),
        ('{"benchmarks": {}}', "says nothing about mini_motion"),
        ('{"benchmarks": {"mini_motion": {"n": 180, "correct": 180, "accuracy": 1.0}}}', "says accuracy 1, its questions give"),
        ('{"benchmarks": {"mini_motion": {"n": "many"}}}', "n is 'many', expected a number"),
        ('{"benchmarks": {"mini_motion": {"coverage": "all"}}}', "coverage is 'all', expected dict: left out"),
        (
            '{"benchmarks": {"mini_motion": {"coverage": {"partial": true, "expected_questions": "some"}}}}',
            "coverage holds {'expected_questions': 'some'}, expected whole numbers: left out",
        ),
        ('{"benchmarks": {"mini_motion": {"missing_questions": "6"}}}', "missing_questions is '6', expected int: left out"),
        (
            '{"benchmarks": {"mini_motion": {"missing_questions": 6, "missing_reasons": 6}}}',
            "missing_reasons is 6, expected dict",
        ),
        (None, "cells.json is missing"),
    ],
)
def test_a_summary_that_contradicts_the_questions_is_reported(layout: Layout, summary: str | None, message: str) -> None:
    one(layout)
    path = layout.cell("cope", "cope_1k", 0) / "cells.json"
    path.unlink()
    if summary is not None:
        path.write_text(summary)
    results, problems = reread(layout)
    assert any(message in problem for problem in problems)
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and cell.missing is None


def test_missing_videos_and_a_disagreeing_score_are_counted(layout: Layout) -> None:
    one(layout)
    path = layout.cell("cope", "cope_1k", 0) / "cells.json"
    content = json.loads(path.read_text())
    content["benchmarks"]["mini_motion"] |= {
        "missing_questions": 6,
        "missing_reasons": {"v": "truncated"},
        "agrees": False,
        "lmms_accuracy": 0.9,
    }
    path.write_text(json.dumps(content))
    _, problems = reread(layout)
    assert any("6 questions could not be asked: their videos are missing (truncated)" in problem for problem in problems)
    assert any("lmms-eval's own aggregate is 0.9" in problem for problem in problems)


def test_seeds_are_averaged_per_question_and_a_missing_one_is_named(layout: Layout) -> None:
    results = one(layout, "seeds=[0, 1]")
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and sorted(cell.files) == [0, 1]
    assert len(cell.rows) == 360 and len(cell.scores) == 180
    assert cell.accuracy.value == pytest.approx(cell.rows["score"].mean())
    path_of(layout, 1).unlink()
    results, problems = reread(layout, "seeds=[0, 1]")
    assert problems == ["seed 1 not run; the cell rests on the others"]
    path_of(layout, 0).unlink()
    results, problems = reread(layout, "seeds=[0, 1]")
    cell = results.cell("cope", "cope_1k", "mini_motion")
    assert cell is not None and cell.missing == "not run (no questions of seed 0, 1)"


def test_cells_without_a_common_question_cannot_be_compared(layout: Layout) -> None:
    cell = one(layout).cell("cope", "cope_1k", "mini_motion")
    assert cell is not None
    first, second = cell.of("type", "order"), cell.of("type", "direction")
    assert first is not None and second is not None
    with pytest.raises(ValueError, match="share no question"):
        first.against(second)


def test_bad_latency_retrieval_and_training_records_are_problems(layout: Layout) -> None:
    study = tiny()
    write_results(study, layout)
    assert Latencies(study, layout).problems == [] and Retrievals(study, layout).problems == []
    path = layout.latency("cope", 0)
    rows = json.loads(path.read_text())
    del rows[0]["ttft_s"]
    path.write_text(json.dumps(rows))
    latencies = Latencies(study, layout)
    assert [problem.what for problem in latencies.problems] == ["cope_1k: ttft_s is None: left out", "no usable figure"]
    assert len(latencies.all()) == 2
    layout.retrieval("cope", 0).write_text('{"methods": {}}')
    assert "is no retrieval file" in Retrievals(study, layout).problems[0].what
    spool = layout.tracking / "spool" / "videolm" / "rgb" / "seed0" / "000.jsonl"
    spool.write_text("rubbish\n" + spool.read_text())
    runs, problems = read_stage_runs(layout)
    assert len(problems) == 1 and "not a JSON event" in problems[0].what
    assert {run.stage for run in runs} == {"delta", "videolm", "sampler", "joint"}


def test_an_interrupted_stage_counts_its_own_time_and_its_last_values(layout: Layout) -> None:
    folder = layout.tracking / "spool" / "delta" / "cope" / "seed0"
    folder.mkdir(parents=True)
    events = [
        {"at": 0, "start": {"run_name": "d", "params": {}, "digest": "0"}},
        {"at": 1000, "step": 10, "metrics": {"loss": 3.0}},
        {"at": 2000, "step": 20, "metrics": {"loss": 9.0}},
        {"at": 99_000, "start": {"run_name": "d", "params": {}, "digest": "0"}},
        {"at": 100_000, "step": 20, "metrics": {"loss": 2.0}},
        {"at": 101_000, "end": "FINISHED"},
    ]
    (folder / "000.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (run,), problems = read_stage_runs(layout)
    assert problems == []
    assert (run.seconds, run.status, run.curves) == (4.0, "FINISHED", {"loss": {10: 3.0, 20: 2.0}})
