"""Table G.1's layout and the figure of all token reducers, from cells with known numbers."""

import json
from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.progress import Progress
from framethrift.reporting import tables_reducers
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.reducer_plot import draw_methods, method_panels
from framethrift.reporting.sources import Sources, read_sources
from framethrift.reporting.tables import study_tables
from tests.reporting.fake_results import cell_rows, tiny, write_cell, write_results

ARENA = "{variants: [rgb], sampling: rgb_4k, methods: [uniform, fastv], budgets: [25, 50], benchmarks: [mini_motion]}"
COSTS = {"rgb_4k": (8e6, 1.0), "cope_1k": (4e6, 1.0), "uniform_50": (4e6, 0.5), "uniform_25": (2e6, 0.25), "fastv_50": (6e6, 0.5)}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A study with an arena of which one cell was not run."""
    study = tiny(f"arena={ARENA}")
    layout = Layout(tmp_path_factory.mktemp("arena") / "results" / study.name)
    write_results(study, layout)
    for variant, sampling in [row for row in study.evaluations() if row[0] in ("rgb", "cope")]:
        folder = layout.cell(variant, sampling, 0)
        if sampling == "fastv_25":
            for file in folder.iterdir():
                file.unlink()
        elif sampling in COSTS:
            rows = cell_rows(study, variant, sampling, "mini_motion", 0)
            write_cell(layout, variant, sampling, 0, {"mini_motion": rows})
            told = json.loads((folder / "cells.json").read_text())
            flops, share = COSTS[sampling]
            told["benchmarks"]["mini_motion"]["costs"] = {"prefill_flops": flops, "cache_bytes": 2000.0, "kept_share": share}
            (folder / "cells.json").write_text(json.dumps(told))
    return read_sources(study, layout, Progress("test"))


def test_the_table_says_what_is_kept_what_it_costs_and_what_it_loses(sources: Sources) -> None:
    table = tables_reducers.token_reducers(sources)
    rows = {row["method"].text + (f" {row['budget'].text}" if row["budget"].text else ""): row for row in table.rows}
    assert list(rows) == [
        "all tokens: 4 key frames / GOP", "all tokens: 1 key frame + 3 P-frames / GOP",
        "uniform 50", "fastv 50", "uniform 25", "fastv 25",
    ]  # fmt: skip
    whole, entrant, half, absent = (rows[name] for name in (*list(rows)[:3], "fastv 25"))
    assert (half["kept"].value, half["prefill_mflop"].value, half["cache_kb"].value) == (50, 4, 2)
    assert (whole["tokens_share"].value, entrant["prefill_mflop"].value) == (100, 4)
    assert entrant["tokens_share"].value == pytest.approx(100 * 144 / 336) and "kept" not in entrant
    assert half["mini_motion_difference"].value == pytest.approx(
        half["mini_motion_accuracy"].value - whole["mini_motion_accuracy"].value
    )
    assert half["mini_motion_difference"].low < half["mini_motion_difference"].value < half["mini_motion_difference"].high
    assert whole["mini_motion_difference"].text == entrant["mini_motion_difference"].text == ""
    assert "not run" in absent["tokens"].missing and "not run" in absent["mini_motion_accuracy"].missing
    assert "LLaVA-OneVision-7B" in table.caption and "LLaVA-Video-7B" in table.caption


def test_reduced_rows_stay_out_of_the_other_tables(sources: Sources) -> None:
    tables = {table.name: table for table in study_tables(sources)}
    assert "table_g1" in tables
    for name in ("table_1", "types_mini_motion"):
        assert not any("uniform_50" in (row["sampling"].note or "") for row in tables[name].rows)


def test_the_figure_has_a_curve_per_method_and_no_point_without_costs(sources: Sources, tmp_path: Path) -> None:
    (panel,) = method_panels(sources)
    curves = {label: [point.cost for point in points] for label, points in panel.curves.items()}
    assert curves == {
        "rgb: 4 key frames / GOP": [8.0],
        "cope: 1 key frame + 3 P-frames / GOP": [4.0],
        "uniform": [4.0, 2.0],
        "fastv": [6.0],
    }
    draw_methods([panel], ReportFolder(tmp_path), "pareto_reducers")
    drawn = (tmp_path / "figures/pareto_reducers.svg").read_text(encoding="utf-8")
    assert all(label in drawn for label in ("uniform", "fastv", "prefill per question"))
