"""What the timeline and the share of evidence count as picked: key frames, never the Δ-tokens between them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from framethrift.config import Layout
from framethrift.progress import Progress
from framethrift.reporting import tables_msjoe
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.question_facts import share_shown
from framethrift.reporting.sources import read_sources
from framethrift.reporting.style import FORMATS
from framethrift.reporting.timeline import Pick, Timeline, draw_timelines, timelines
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import cell_rows, tiny, write_cell


def test_only_key_frames_are_picked(finished: Finished, tmp_path: Path) -> None:
    mixed = "samplings.mixed={kind: select, selector: uniform, frames: 4, rest: delta}"
    few = "cells=[{variants: [mllm], samplings: [uniform_4, mixed], benchmarks: [mini_needle]}]"
    study, layout = tiny(mixed, few, "latency=[]"), Layout(tmp_path / "results" / "tiny")
    shutil.copytree(finished.layout.videos("needle"), layout.videos("needle"))
    plain = cell_rows(study, "mllm", "uniform_4", "mini_needle", 0)
    between = [{"time": second + 0.5, "kind": "P"} for second in range(96)]
    dense = [row | {"shown": sorted([*row["shown"], *between], key=lambda item: item["time"])} for row in plain]
    write_cell(layout, "mllm", "uniform_4", 0, {"mini_needle": plain})
    write_cell(layout, "mllm", "mixed", 0, {"mini_needle": dense})
    sources = read_sources(study, layout, Progress("test"))
    shown = {row["question_id"]: [item["time"] for item in row["shown"]] for row in plain}
    found = timelines(sources)
    assert len(found) == 3
    for line in found:
        assert [pick.times for pick in line.picks] == [shown[line.question_id]] * 2
    shares = [row["mini_needle_evidence"].value for row in tables_msjoe.selectors(sources).rows]
    assert len(shares) == 2 and shares[0] == shares[1] < 50


def test_long_labels_stay_inside_the_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[float] = []
    settle = Figure.set_layout_engine

    def spied(figure: Figure, layout: Any = None, **options: Any) -> None:
        if layout == "none":  # when it is laid out, and again when a format is drawn at its own resolution
            labels = [label for axis in figure.axes for label in axis.get_yticklabels()]
            starts.extend(label.get_window_extent().x0 for label in labels)
        settle(figure, layout, **options)

    monkeypatch.setattr(Figure, "set_layout_engine", spied)
    picks = [Pick(f"{'a long name of a sampler, ' * 3}{number}", "v", [1.0, 9.0], number % 2 == 0) for number in range(23)]
    lines = [Timeline(str(number), "Which?", "this", 96.0, [(8.0, 12.0)], picks) for number in range(3)]
    draw_timelines(lines, ["v"], ReportFolder(tmp_path), "selector_timeline")
    assert len(starts) == (1 + len(FORMATS)) * 3 * 23 and min(starts) >= 0


def test_evidence_between_key_frames_is_not_shown() -> None:
    shown = ((1.0, "I"), (4.0, "P"), (8.0, "I"))
    assert share_shown(shown, [(0.0, 2.0), (3.0, 5.0)]) == 0.5
    assert share_shown(shown, [(3.0, 5.0)]) == 0.0 and share_shown(shown, []) is None
