"""Every token reducer's accuracy against what reading its prompt costs: one curve per method over its budgets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from framethrift.config.rows import reduction
from framethrift.config.tables import table_rows
from framethrift.reporting.entries import questions_page
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.labels import row_label
from framethrift.reporting.pareto import Point, frontier
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.style import DASHES, look, new_figure, save, styled
from framethrift.reporting.tables_reducers import NAME

RULE = (
    "One curve per method over its budgets; rows without a reducer are single points. Cost is the prefill of one question by "
    "formula, for a method inside the language model shortens no prompt. Filled markers are on the frontier; bars are 95 % "
    "intervals over videos."
)


@dataclass
class Methods:
    """One benchmark's points by method, in the order of the table."""

    title: str
    curves: dict[str, list[Point]] = field(default_factory=dict)

    @property
    def frontier(self) -> list[Point]:
        """Points that no cheaper or equally cheap one matches in accuracy."""
        return frontier(point for points in self.curves.values() for point in points)


def method_panels(sources: Sources) -> list[Methods]:
    """One panel per benchmark that a token reducer was asked, from the cells that state their costs."""
    rows, panels = table_rows(sources.study, NAME), []
    several = len({row[0] for row in rows if reduction(sources.study, row)}) > 1
    for benchmark in sources.results.benchmarks:
        panel = Methods(sources.title(benchmark))
        for row in rows:
            cell = sources.results.cell(*row, benchmark)
            if cell is not None and not cell.missing and "prefill_flops" in cell.costs:
                point = _point(sources, cell, several)
                panel.curves.setdefault(point.label, []).append(point)
        if any(reduction(sources.study, (p.variant, p.sampling)) for points in panel.curves.values() for p in points):
            panels.append(panel)
    return panels


@styled
def draw_methods(panels: Sequence[Methods], folder: ReportFolder, name: str) -> None:
    """One plot per benchmark and one legend for all."""
    labels = list(dict.fromkeys(label for panel in panels for label in panel.curves))
    figure, axes = new_figure(6.4 * len(panels), 5.6, columns=len(panels))
    for axis, panel in zip(axes[0], panels, strict=True):
        edge = panel.frontier
        axis.step([p.cost for p in edge], [p.accuracy for p in edge], where="post", color="#888888", linewidth=1, zorder=1)
        for label, points in panel.curves.items():
            place = labels.index(label)
            style, dash = look(place), DASHES[place // 8 % len(DASHES)]
            ordered = sorted(points, key=lambda point: point.cost)
            axis.plot([p.cost for p in ordered], [p.accuracy for p in ordered], dash, color=style["color"], linewidth=0.9)
            for point in ordered:
                axis.errorbar(
                    point.cost, point.accuracy, yerr=[[point.accuracy - point.low], [point.high - point.accuracy]],
                    fmt=style["marker"], color=style["color"], markerfacecolor=style["color"] if point in edge else "white",
                    markersize=5, capsize=1.5, elinewidth=0.6,
                )  # fmt: skip
            axis.plot([], [], dash, label=label, markerfacecolor="white", linewidth=0.9, **style)
        axis.set(title=panel.title, xlabel="prefill per question (MFLOP, by formula)", ylabel="accuracy (%)", xscale="log")
    axes[0][0].legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=3, fontsize=7)
    save(figure, folder, name)


def _point(sources: Sources, cell: Cell, several: bool) -> Point:
    """`several` models have reducers: a curve's label names its own."""
    key, found = cell.key, cell.accuracy
    row = key.variant, key.sampling
    reducer = reduction(sources.study, row)
    shares = (100 * found.value, 100 * found.low, 100 * found.high)
    label = reducer.name if reducer else row_label(sources.study, row)
    label = f"{key.variant}: {label}" if several or not reducer else label
    return Point(key.variant, key.sampling, label, cell.costs["prefill_flops"] / 1e6, *shares, questions_page(cell))
