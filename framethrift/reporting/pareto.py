"""Accuracy against what it costs: points, the frontier, and the static figure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, NullFormatter
from matplotlib.transforms import ScaledTranslation

from framethrift.config import Study
from framethrift.config.claims import Need
from framethrift.config.sampling import Select, Stream
from framethrift.reporting.entries import questions_page
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.labels import row_label
from framethrift.reporting.results import Cell, CellKey
from framethrift.reporting.sources import Sources
from framethrift.reporting.style import COLOURS, look, new_figure, save, styled
from framethrift.reporting.tables_msjoe import CEILING

CROWDED = 24  # points of a panel that need twice the width
_FARTHEST = {False: 3.5, True: 10.0}  # marker widths from where a point belongs; by whether its panel is crowded


@dataclass(frozen=True)
class Point:
    """One (variant, sampling) on one benchmark: what it costs and how right it is (%, with 95 % interval).

    A `ceiling` knows what no method can know; it is shown and never on the frontier.
    """

    variant: str
    sampling: str
    label: str
    cost: float
    accuracy: float
    low: float
    high: float
    page: str
    ceiling: bool = False


@dataclass(frozen=True)
class Panel:
    """One benchmark's points, cheapest first, and the cost axis's name."""

    benchmark: str
    title: str
    cost_name: str
    points: list[Point]

    @property
    def frontier(self) -> list[Point]:
        """Points that no cheaper or equally cheap point matches in accuracy, cheapest first."""
        return frontier(point for point in self.points if not point.ceiling)

    @property
    def crowded(self) -> bool:
        """Whether it has too many points for a plot of the common size."""
        return len(self.points) > CROWDED

    @property
    def dodge(self) -> list[float]:
        """Per point, a shift in marker widths that sets points of equal cost side by side, never far from where they belong."""
        shifts = []
        for point in self.points:
            equals = [other for other in self.points if abs(other.cost - point.cost) <= 0.005 * point.cost]
            middle = (len(equals) - 1) / 2
            shifts.append((equals.index(point) - middle) * min(1, _FARTHEST[self.crowded] / max(middle, 1)))
        return shifts


def frontier(points: Iterable[Point]) -> list[Point]:
    """The Pareto frontier: lower cost and higher accuracy are better; of equals the first in order stays."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.accuracy)):
        if not kept or point.accuracy > kept[-1].accuracy:
            kept.append(point)
    return kept


def token_panels(sources: Sources) -> list[Panel]:
    """Accuracy against mean visual tokens, one panel per benchmark with at least one cell."""
    return _panels(sources, "visual tokens per question", lambda cell: cell.tokens)


def ttft_panels(sources: Sources) -> list[Panel]:
    """Accuracy against time to first token in ms, for the cells whose (variant, sampling) was timed."""

    def cost(cell: Cell) -> float | None:
        timed = sources.latencies.find(Need(variant=cell.key.variant, sampling=cell.key.sampling))
        # A sampling's cost does not depend on which weights answer: a variant of the same shape speaks for an untimed one.
        shape = sources.study.models_of(cell.key.variant)
        same = [item for item in sources.latencies.all() if item.sampling == cell.key.sampling]
        timed = timed or next((item for item in same if sources.study.models_of(item.variant) == shape), None)
        return None if timed is None else 1000 * timed.number("ttft_s")

    return _panels(sources, "time to first token (ms)", cost)


def seconds_panels(sources: Sources) -> list[Panel]:
    """Accuracy against mean seconds that the answering device was busy per question, as the cells themselves recorded them."""
    return _panels(sources, "device seconds per question", lambda cell: cell.seconds)


COSTS: dict[str, tuple[str, Callable[[Sources], list[Panel]]]] = {
    "tokens": ("visual tokens", token_panels),
    "ttft": ("time to first token", ttft_panels),
    "seconds": ("GPU-seconds", seconds_panels),
}
SECONDS = (
    "Seconds are those of each cell's own run, one device, reading and decoding included, shared evenly in a batch: "
    "GPU-seconds where a GPU answered, else the processor's. Cells that ran beside other jobs took longer than they had to."
)


@styled
def draw_pareto(panels: Sequence[Panel], variants: Sequence[str], folder: ReportFolder, name: str) -> None:
    """One small plot per benchmark: filled markers on the frontier, hollow ones dominated, bars the 95 % interval."""
    columns = [2 if panel.crowded else 1 for panel in panels]  # of the key below each plot, which is as many times as wide
    lines = max(-(-len(panel.points) // count) for panel, count in zip(panels, columns, strict=True))
    figure, axes = new_figure(4.6 * sum(columns), 3.2 + 0.15 * lines, columns=len(panels), shares=columns)
    for axis, panel, count in zip(axes[0], panels, columns, strict=True):
        edge = panel.frontier
        axis.step([p.cost for p in edge], [p.accuracy for p in edge], where="post", color="#888888", linewidth=1, zorder=1)
        for number, (point, shift) in enumerate(zip(panel.points, panel.dodge, strict=True), start=1):
            style = look(variants.index(point.variant))
            beside = axis.transData + ScaledTranslation(shift / 8, 0, figure.dpi_scale_trans)
            axis.errorbar(
                point.cost, point.accuracy, yerr=[[point.accuracy - point.low], [point.high - point.accuracy]],
                fmt=style["marker"], color=style["color"], markerfacecolor=style["color"] if point in edge else "white",
                markersize=7, capsize=2, elinewidth=1, label=f"{number}  {point.label}", transform=beside,
            )  # fmt: skip
            axis.annotate(
                str(number),
                (point.cost, point.high),
                xycoords=beside,
                textcoords="offset points",
                xytext=(0, 3),
                ha="center",
                fontsize=7,
            )
        # Shifted artists do not count for the limits: these do.
        axis.scatter([p.cost for p in panel.points] * 2, [p.low for p in panel.points] + [p.high for p in panel.points], alpha=0)
        if max(p.cost for p in panel.points) > 3 * min(p.cost for p in panel.points):
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set(title=panel.title, xlabel=panel.cost_name, ylabel="accuracy (%)")
        axis.margins(x=0.12)
        axis.legend(loc="upper left", bbox_to_anchor=(0, -0.16), fontsize=7, handletextpad=0.4, ncols=count)
    save(figure, folder, name)


def colour_of(variants: Sequence[str], variant: str) -> str:
    """The variant's colour in every figure."""
    return COLOURS[variants.index(variant) % len(COLOURS)]


def _panels(sources: Sources, cost_name: str, cost: Callable[[Cell], float | None]) -> list[Panel]:
    panels = []
    for benchmark in sources.results.benchmarks:
        points = []
        for key, cell in sources.results.cells.items():
            if key.benchmark != benchmark or cell.missing or not _competes(sources.study, key):
                continue
            paid = cost(cell)
            if paid:
                points.append(_point(sources.study, cell, paid))
        if points:
            ordered = sorted(points, key=lambda point: (point.cost, point.label))
            panels.append(Panel(benchmark, sources.title(benchmark), cost_name, ordered))
    return panels


def _competes(study: Study, key: CellKey) -> bool:
    """Ways to show a video that somebody could choose: neither blind nor shuffled, no exchanged Δ-tokens.

    Token reducers have a figure of their own.
    """
    sampling = study.samplings[key.sampling]
    if not isinstance(sampling, Stream | Select) or sampling.order != "time" or sampling.reducer is not None:
        return False
    return isinstance(sampling, Select) or sampling.delta in ("keep", "drop")


def _point(study: Study, cell: Cell, paid: float) -> Point:
    key, found = cell.key, cell.accuracy
    sampling = study.samplings[key.sampling]
    ceiling = isinstance(sampling, Select) and sampling.selector == CEILING
    label = f"{key.variant}: {row_label(study, key.row)}" + (" (ceiling)" if ceiling else "")
    shares = (100 * found.value, 100 * found.low, 100 * found.high)
    return Point(key.variant, key.sampling, label, paid, *shares, questions_page(cell), ceiling)
