"""Tables show what the questions say, in three formats from one source."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.progress import Progress
from framethrift.reporting import tables_audit, tables_cope, tables_costs, tables_msjoe
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.render_table import table_html, table_tex
from framethrift.reporting.sources import Sources, read_sources
from framethrift.reporting.table import Column, Entry, Table, missing, words
from framethrift.reporting.tables import write_paper_table
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import cell_rows, tiny, write_cell


def rows_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.csv(lambda file: file.name))))


def share_right(finished: Finished, variant: str, sampling: str, benchmark: str) -> float:
    path = finished.layout.cell(variant, sampling, 0) / f"{benchmark}.jsonl"
    scores = [json.loads(line)["score"] for line in path.read_text().splitlines()]
    return 100 * sum(scores) / len(scores)


def test_token_efficiency_is_recomputable_from_the_question_files(finished: Finished) -> None:
    rows = rows_of(tables_cope.token_efficiency(finished.sources))
    assert [(row["model"], row["sampling"]) for row in rows] == [
        ("rgb (key frames)", "1 key frame / GOP"),
        ("cope (Δ-tokens)", "1 key frame + 3 P-frames / GOP"),
        ("rgb (key frames)", "4 key frames / GOP"),
    ]
    assert [float(row["mini_motion_tokens"]) for row in rows] == pytest.approx([25, 100 * 144 / 336, 100])
    for row, (variant, sampling) in zip(rows, [("rgb", "rgb_1k"), ("cope", "cope_1k"), ("rgb", "rgb_4k")], strict=True):
        assert float(row["mini_motion_accuracy"]) == pytest.approx(share_right(finished, variant, sampling, "mini_motion"))
        assert (
            float(row["mini_motion_accuracy_low"]) < float(row["mini_motion_accuracy"]) < float(row["mini_motion_accuracy_high"])
        )
        assert row["mini_motion_accuracy_source"] == "mini_motion.jsonl"


def test_no_paper_value_stands_beside_a_number_that_is_not_comparable(finished: Finished) -> None:
    assert not any(column.name.endswith("_paper") for column in tables_cope.token_efficiency(finished.sources).columns)
    assert finished.sources.paper_value("cope", "cope_1k", "perceptiontest") == 65.5
    assert finished.sources.paper_value("cope", "cope_1k", "mini_motion") is None


def test_the_ablation_compares_with_the_models_own_delta_tokens(finished: Finished) -> None:
    table = tables_cope.altered_delta(finished.sources)
    by_note = {(row["model"].text.split()[0], row["sampling"].note): row for row in table.rows}
    assert by_note["cope", "cope_1k"]["mini_motion_difference"].text == ""
    zeroed = by_note["cope", "cope_zero"]["mini_motion_difference"]
    own, zero = (share_right(finished, "cope", name, "mini_motion") for name in ("cope_1k", "cope_zero"))
    assert zeroed.value == pytest.approx(zero - own)
    assert zeroed.high is not None and zeroed.high < 0 and zeroed.note == ""
    assert by_note["cope", "cope_swap"]["mini_static_difference"].note == "inconclusive"
    table = tables_cope.key_frames_only(finished.sources)
    by_note = {(row["model"].text.split()[0], row["sampling"].note): row for row in table.rows}
    assert set(by_note) == {("rgb", "rgb_1k"), ("cope", "rgb_1k"), ("cope", "cope_1k")}
    assert by_note["rgb", "rgb_1k"]["mini_motion_difference"].value == pytest.approx(
        share_right(finished, "rgb", "rgb_1k", "mini_motion") - own
    )


def test_selectors_are_compared_with_uniform_frames_before_any_training(finished: Finished) -> None:
    table = tables_msjoe.selectors(finished.sources)
    by_note = {(row["model"].text.split()[0], row["sampling"].note): row for row in table.rows}
    joint = by_note["msjoe", "msjoe_4"]
    uniform = share_right(finished, "mllm", "uniform_4", "mini_needle")
    assert joint["mini_needle_difference"].value == pytest.approx(
        share_right(finished, "msjoe", "msjoe_4", "mini_needle") - uniform
    )
    assert by_note["mllm", "uniform_4"]["mini_needle_difference"].text == ""
    marks = {name: row["mini_needle_accuracy"].mark for name, row in by_note.items() if row["mini_needle_accuracy"].mark}
    assert marks == {("msjoe", "msjoe_4"): "best"}  # above all but the oracle; the three next, at 72 to 75 %, are not separated
    assert by_note["mllm", "oracle_4"]["mini_needle_accuracy"].value > by_note["msjoe", "msjoe_4"]["mini_needle_accuracy"].value


def test_times_of_the_inference_steps_are_the_cells_own(finished: Finished) -> None:
    table = tables_msjoe.step_times(finished.sources)
    by_note = {(row["model"].text.split()[0], row["sampling"].note): row for row in table.rows}
    assert {("sampler", "msjoe_4"), ("msjoe", "msjoe_4"), ("mllm", "uniform_4")} <= set(by_note)
    asked = len(finished.sources.results.cell("msjoe", "msjoe_4", "mini_needle").scores)
    found = {name: by_note["msjoe", "msjoe_4"][f"{name}_ms"].value for name in (*tables_msjoe.STEPS, "total")}
    spent = {"queries": 0.4, "similarity": 0.2, "sampling": 0.1, "answering": 1.8, "total": 2.5}
    assert found == pytest.approx({name: 1000 * seconds / asked for name, seconds in spent.items()})
    nowhere = read_sources(finished.study, Layout("nowhere/results/fake"), Progress("test"))
    rows = tables_msjoe.step_times(nowhere).rows
    assert all("no times (not run)" in str(row["total_ms"].missing) for row in rows) and len(rows) == len(table.rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: [], "holds no figures by benchmark"),
        (lambda told: told | {"seconds": 2.5}, "seconds is 2.5, expected seconds by stage"),
        (lambda told: told | {"seconds": {"answer": "long"}}, "seconds.answer is 'long', expected a number from 0"),
        (lambda told: told | {"benchmarks": {"mini_needle": {"accuracy": 1.0}}}, "benchmarks.mini_needle.n is None, expected"),
        (lambda told: told | {"benchmarks": {"mini_needle": 7}}, "benchmarks.mini_needle.n is None, expected"),
        (None, "cannot be read as JSON"),
    ],
)
def test_a_damaged_summary_has_no_times_and_says_why_at_its_place_and_in_the_list(
    finished: Finished, tmp_path: Path, change: Callable[[dict], object] | None, message: str
) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    shutil.copytree(finished.layout.root / "cells/mllm", layout.root / "cells/mllm")
    path = layout.cell("mllm", "uniform_4", 0) / "cells.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))) if change else "{")
    few = "cells=[{variants: [mllm], samplings: [uniform_4, top_k_4], benchmarks: [mini_needle]}]"
    sources = read_sources(tiny(few, "latency=[]"), layout, Progress("test"))
    by_note = {(row["model"].text.split()[0], row["sampling"].note): row for row in tables_msjoe.step_times(sources).rows}
    for name in (*tables_msjoe.STEPS, "total"):
        assert f"mllm / uniform_4: no times (cells.json of seed 0: {message}" in str(
            by_note["mllm", "uniform_4"][f"{name}_ms"].missing
        )
        assert by_note["mllm", "top_k_4"][f"{name}_ms"].value is not None
    told = [problem for problem in sources.problems if problem.place == "mllm / uniform_4, seed 0"]
    assert [problem.file for problem in told] == [path] and message in told[0].what
    cell = sources.results.cell("mllm", "uniform_4", "mini_needle")
    assert cell is not None and cell.missing is None  # its questions are whole


def test_the_blind_control_stands_against_each_questions_own_chance(finished: Finished) -> None:
    rows = rows_of(tables_audit.blind_control(finished.sources))
    assert len(rows) == 5
    motion = next(row for row in rows if row["benchmark"] == "Mini-Motion")
    assert float(motion["chance"]) == pytest.approx(37.5)
    assert float(motion["difference"]) == pytest.approx(float(motion["accuracy"]) - 37.5)
    assert motion["verdict"].startswith("within 3 points of chance: ")


def test_latency_retrieval_and_quarantine(finished: Finished) -> None:
    latency = {row["sampling"]: row for row in rows_of(tables_costs.latency(finished.sources))}
    dense = latency["4 key frames / GOP"]
    assert (float(dense["ttft_ms"]), float(dense["ttft_saved"]), float(dense["tokens"])) == (46.0, 0.0, 336.0)
    assert float(latency["1 key frame + 3 P-frames / GOP"]["ttft_saved"]) == pytest.approx(100 * (1 - 21 / 46))
    recalls = rows_of(tables_costs.retrieval(finished.sources))
    assert [row["method"] for row in recalls] == ["current frame", "Δ-encoder", "difference"]
    assert float(recalls[1]["recall@5"]) == pytest.approx(84.8)
    rejected = rows_of(tables_audit.quarantine(finished.sources))
    motion = next(row for row in rejected if row["dataset"] == "motion" and row["stage"] == "re-encoding")
    assert (motion["rejected"], motion["reasons"], motion["benchmarks"]) == ("1", "1 truncated", "mini_motion, mini_static")


def test_missing_cells_say_why_in_every_format(tmp_path: Path) -> None:
    study = tiny("cells=[{variants: [cope, rgb], samplings: [cope_1k, rgb_1k], benchmarks: [mini_motion]}]")
    layout = Layout(tmp_path / "results" / "tiny")
    write_cell(layout, "cope", "cope_1k", 0, {"mini_motion": cell_rows(study, "cope", "cope_1k", "mini_motion", 0)})
    table = tables_cope.token_efficiency(read_sources(study, layout, Progress("test")))
    reason = "rgb / rgb_1k / mini_motion: not run (no questions of seed 0)"
    assert reason in table.reasons
    assert reason in [row["mini_motion_accuracy_missing"] for row in rows_of(table)]
    html = table_html(table, ReportFolder(tmp_path), "index.html")
    assert html.count(reason) == 2
    assert r"rgb / rgb\_1k / mini\_motion: not run" in table_tex(table)


def test_the_same_questions_give_the_same_bytes(finished: Finished) -> None:
    again: Sources = read_sources(finished.study, finished.layout, Progress("test"))
    for build in (tables_cope.token_efficiency, tables_cope.altered_delta, tables_msjoe.selectors, tables_audit.claims):
        assert build(again).csv(str) == build(finished.sources).csv(str)
        assert table_tex(build(again)) == table_tex(build(finished.sources))


def test_latex_escapes_and_html_escapes() -> None:
    table = Table("t", "T", "C", [Column("a", "A & B", numeric=False), Column("b", "50 %")])
    table.rows = [
        {"a": words("x_1 < Δ 漢"), "b": Entry("−1.5", -1.5, -2.0, -1.0)},
        {"a": words("y"), "b": missing("gone & lost")},
    ]
    tex = table_tex(table)
    assert r"A \& B & 50 \%" in tex
    assert r"x\_\allowbreak{}1 $<$ $\Delta$ [U+6F22]" in tex
    assert r"$-$1.5 {\scriptsize [$-$2.0, $-$1.0]}" in tex
    assert r"\textsuperscript{a}" in tex and r"gone \& lost" in tex
    html = table_html(table, ReportFolder(Path("/nowhere")), "index.html")
    assert "x_1 &lt; Δ 漢" in html and "A &amp; B" in html
    assert table.csv(str).splitlines() == ["a,b,b_low,b_high,b_missing", "x_1 < Δ 漢,-1.5,-2.0,-1.0,", "y,,,,gone & lost"]


@pytest.mark.parametrize("name", ["table_1", "table_h3", "table_h4", "msjoe_table_1"])
def test_a_table_is_the_same_bytes_from_the_per_question_files_alone(
    finished: Finished, report: Path, tmp_path: Path, name: str
) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    kept = ["cells/*/*/seed*/*.jsonl"]
    if name.startswith("msjoe"):
        kept.append("videos/*/*.parquet")  # where the evidence is stands with the questions, not with the answers
    for pattern in kept:
        for path in finished.layout.root.glob(pattern):
            target = layout.root / path.relative_to(finished.layout.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    assert not list(layout.root.rglob("*.json"))
    write_paper_table(finished.study, layout, name, layout.report, Progress("test"))
    for kind in ("csv", "html", "tex"):
        again, before = (root / "tables" / f"{name}.{kind}" for root in (layout.report, report))
        assert again.read_bytes() == before.read_bytes()
    shutil.rmtree(layout.root / "cells/cope/cope_1k")  # and it does depend on them
    write_paper_table(finished.study, layout, name, layout.report, Progress("test"))
    changed = (layout.report / "tables" / f"{name}.csv").read_bytes() != (report / "tables" / f"{name}.csv").read_bytes()
    assert changed == (not name.startswith("msjoe"))


def test_a_tall_table_is_scrolled_on_screen_and_printed_in_blocks() -> None:
    table = Table("t", "T", "C", [Column("a", "A", numeric=False), Column("b", "B")])
    table.rows = [{"a": words(f"row {number}"), "b": Entry("1.0", 1.0)} for number in range(80)]
    assert table.tall and [len(rows) for rows in table.blocks] == [36, 36, 8]
    tex = table_tex(table)
    assert tex.count(r"\begin{tabular}") == tex.count(r"\end{tabular}") == tex.count("A & B") == 3
    assert all(f"row {number} & 1.0" in tex for number in range(80)) and "\n\n\\bottomrule" not in tex
    assert 'class="scroll tall"' in table_html(table, ReportFolder(Path("/nowhere")), "index.html")
    table.rows = table.rows[:36]
    assert not table.tall and table_tex(table).count("tabular}") == 2
