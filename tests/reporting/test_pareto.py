"""The frontier, and what is on the plot."""

import re
from pathlib import Path

import pytest

from framethrift.reporting import pareto_svg
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.pareto import Panel, Point, draw_pareto, frontier, seconds_panels, token_panels, ttft_panels
from tests.reporting.conftest import Finished


def point(label: str, cost: float, accuracy: float, *, ceiling: bool = False) -> Point:
    return Point("v", label, label, cost, accuracy, accuracy - 1, accuracy + 1, "page", ceiling)


def test_the_frontier_keeps_what_nothing_cheaper_matches() -> None:
    points = [
        point("a", 10, 50),
        point("b", 20, 50),
        point("c", 20, 60),
        point("d", 30, 55),
        point("e", 40, 61),
        point("f", 10, 40),
    ]
    assert [kept.label for kept in frontier(points)] == ["a", "c", "e"]
    assert frontier([]) == []


def test_a_ceiling_is_shown_but_never_on_the_frontier() -> None:
    panel = Panel("b", "B", "tokens", [point("oracle", 10, 99, ceiling=True), point("a", 10, 50)])
    assert [kept.label for kept in panel.frontier] == ["a"]


def test_points_of_equal_cost_stand_side_by_side() -> None:
    panel = Panel("b", "B", "tokens", [point("a", 10, 50), point("b", 10, 60), point("c", 20, 60)])
    assert panel.dodge == [-0.5, 0.5, 0.0]
    for count, farthest in ((23, 3.5), (31, 10.0)):  # a crowded panel is wider
        many = Panel("b", "B", "tokens", [point(str(number), 10, 50) for number in range(count)])
        assert (many.dodge[0], many.dodge[count // 2], many.dodge[-1]) == (-farthest, 0.0, farthest)


def test_a_crowded_panel_is_wide_and_keeps_its_marks_inside_the_axes(tmp_path: Path) -> None:
    few = Panel("a", "Few", "tokens", [point("a", 10, 50), point("b", 20, 60)])
    costs = [24] * 12 + [47] * 20 + [100] * 12
    many = Panel("b", "Many", "tokens", [point(str(number), cost, 30 + number) for number, cost in enumerate(costs)])
    drawings = [pareto_svg._draw(panel, ["v"], ReportFolder(tmp_path), "index.html") for panel in (few, many)]
    assert [(drawing.width, drawing.height) for drawing in drawings] == [(440, 320), (940, 420)]
    for drawing in drawings:
        assert all(pareto_svg.LEFT <= mark.x <= drawing.width - pareto_svg.RIGHT for mark in drawing.marks)
    (first, *_, last) = (mark.x for mark in drawings[1].marks[:12])
    assert last - first > 11 * 10  # side by side, not on top of one another
    html = pareto_svg.pareto_html([few, many], ["v"], ReportFolder(tmp_path), "index.html")
    assert html.count('class="pareto crowded"') == 1 and 'viewBox="0 0 940 420"' in html
    draw_pareto([few, many], ["v"], ReportFolder(tmp_path), "plot")
    inches = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', (tmp_path / "figures/plot.svg").read_text())
    assert inches is not None and float(inches[1]) == pytest.approx(72 * 4.6 * 3) and float(inches[2]) < 72 * 8


def test_only_ways_somebody_could_choose_compete(finished: Finished) -> None:
    panels = {panel.benchmark: panel for panel in token_panels(finished.sources)}
    assert {point.sampling for point in panels["mini_motion"].points} == {"cope_1k", "rgb_1k", "rgb_4k"}
    ceilings = [point.sampling for point in panels["mini_needle"].points if point.ceiling]
    assert ceilings == ["oracle_4"]
    # Timed on the variant with Δ-tokens; the key-frame variant has the same shape, so its samplings cost the same.
    timed = {(point.variant, point.sampling): point.cost for panel in ttft_panels(finished.sources) for point in panel.points}
    assert timed["rgb", "rgb_4k"] == 46.0


def test_seconds_are_the_cells_own_and_what_is_dominated_is_off_the_frontier(finished: Finished) -> None:
    panel = next(panel for panel in seconds_panels(finished.sources) if panel.benchmark == "mini_motion")
    costs = {(point.variant, point.sampling): point.cost for point in panel.points}
    assert costs == {
        ("cope", "rgb_1k"): pytest.approx(0.0184),
        ("rgb", "rgb_1k"): pytest.approx(0.0184),
        ("cope", "cope_1k"): pytest.approx(0.0244),
        ("rgb", "rgb_4k"): pytest.approx(0.0436),
    }
    same = {point.variant: point.accuracy for point in panel.points if point.sampling == "rgb_1k"}
    first = max(same, key=lambda variant: same[variant])
    assert [(edge.variant, edge.sampling) for edge in panel.frontier] == [
        (first, "rgb_1k"),
        ("cope", "cope_1k"),
        ("rgb", "rgb_4k"),
    ]
