"""The interactive Pareto plot: inline SVG with links and tooltips, no library, a few kilobytes per panel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.pareto import Panel, Point, colour_of
from framethrift.reporting.templating import html_environment

WIDTH, HEIGHT = {False: 440, True: 940}, {False: 320, True: 420}  # by whether the panel is crowded
MARK = 15  # pixels between marks side by side
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 14, 42
_SHAPES = (
    "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0Z",
    "M-5.4,-5.4H5.4V5.4H-5.4Z",
    "M0,-6.8L6.2,4.6H-6.2Z",
    "M0,-7.2L6,0L0,7.2L-6,0Z",
    "M0,6.8L6.2,-4.6H-6.2Z",
    "M-2.2,-6.6H2.2V-2.2H6.6V2.2H2.2V6.6H-2.2V2.2H-6.6V-2.2H-2.2Z",
    "M-6,-4L-4,-6L0,-2L4,-6L6,-4L2,0L6,4L4,6L0,2L-4,6L-6,4L-2,0Z",
    "M0,-7.4L1.8,-2.3L7,-2.3L2.8,0.9L4.4,6L0,2.9L-4.4,6L-2.8,0.9L-7,-2.3L-1.8,-2.3Z",
)


@dataclass(frozen=True)
class Mark:
    """A point where it is drawn: pixels, shape, colour, and whether another point dominates it."""

    number: int
    point: Point
    x: float
    y: float
    low: float
    high: float
    shape: str
    colour: str
    dominated: bool
    link: str


@dataclass(frozen=True)
class Drawing:
    """A panel ready for the template: size, marks, axis ticks (position, text) and the frontier as an SVG path."""

    panel: Panel
    width: int
    height: int
    marks: list[Mark]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    frontier: str


def pareto_html(panels: Sequence[Panel], variants: Sequence[str], folder: ReportFolder, page: str) -> Markup:
    """The plots as a fragment for `page`; needs the report's style.css and pareto.js."""
    drawings = [_draw(panel, variants, folder, page) for panel in panels]
    size = {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}
    return Markup(html_environment().get_template("pareto.html.j2").render(drawings=drawings, **size))


def _draw(panel: Panel, variants: Sequence[str], folder: ReportFolder, page: str) -> Drawing:
    width, height = WIDTH[panel.crowded], HEIGHT[panel.crowded]
    costs, dodge = [point.cost for point in panel.points], panel.dodge
    # Marks set beside the cheapest and the dearest stay inside the axes.
    left = LEFT + MARK * max(0.0, *(-shift for cost, shift in zip(costs, dodge, strict=True) if cost <= 1.1 * min(costs)))
    right = RIGHT + MARK * max(0.0, *(shift for cost, shift in zip(costs, dodge, strict=True) if cost >= 0.9 * max(costs)))
    logarithmic = max(costs) > 3 * min(costs)
    x_low, x_high = _padded(costs, logarithmic)
    y_low = min(90, math.floor(min(point.low for point in panel.points) / 10) * 10)
    y_high = min(100, max(y_low + 10, math.ceil(max(point.high for point in panel.points) / 10) * 10))

    def x(cost: float) -> float:
        share = (
            (math.log(cost) - math.log(x_low)) / (math.log(x_high) - math.log(x_low))
            if logarithmic
            else (cost - x_low) / (x_high - x_low)
        )
        return round(left + share * (width - left - right), 1)

    def y(accuracy: float) -> float:
        return round(height - BOTTOM - (accuracy - y_low) / (y_high - y_low) * (height - TOP - BOTTOM), 1)

    edge = panel.frontier
    marks = [
        Mark(
            number, point, round(x(point.cost) + MARK * shift, 1), y(point.accuracy), y(point.low), y(point.high),
            _SHAPES[variants.index(point.variant) % len(_SHAPES)], colour_of(variants, point.variant), point not in edge,
            folder.link(point.page, page),
        )
        for number, (point, shift) in enumerate(zip(panel.points, dodge, strict=True), start=1)
    ]  # fmt: skip
    steps = [f"M{x(edge[0].cost)},{y(edge[0].accuracy)}"] + [f"H{x(point.cost)}V{y(point.accuracy)}" for point in edge[1:]]
    ticks = [(x(value), f"{value:g}") for value in _ticks(x_low, x_high, logarithmic)]
    step = 20 if y_high - y_low > 60 else 10
    y_ticks = [(y(value), f"{value:g}") for value in range(int(y_low), int(y_high) + 1, step)]
    return Drawing(panel, width, height, marks, ticks, y_ticks, " ".join(steps) + f"H{width - RIGHT}")


def _padded(costs: list[float], logarithmic: bool) -> tuple[float, float]:
    low, high = min(costs), max(costs)
    if logarithmic:
        return low / 1.25, high * 1.25
    margin = 0.12 * (high - low) or 0.2 * high
    return max(0.0, low - margin), high + margin


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Round values inside the axis: 1-2-5 steps, three to seven of them."""
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        return [value for value in found if low <= value <= high]
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(number * step, 10) for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
