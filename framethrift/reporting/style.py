"""How figures look: colour-blind-safe, told apart in grey by markers and dashes, the same bytes on every run."""

import io
import textwrap
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from framethrift.reporting.folder import ReportFolder

# Okabe and Ito's palette, ordered so that neighbours differ in lightness too.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000", "#8A8A8A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 3)))
FORMATS = ("svg", "pdf", "png")

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 160,  # laid out as PNGs are drawn: their letters are widest
    "savefig.dpi": 160,
    "svg.fonttype": "none",
    "svg.hashsalt": "framethrift",
    "pdf.fonttype": 42,
}
# Dates and program versions would change the bytes of an unchanged figure.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def formats(folder: ReportFolder) -> tuple[str, ...]:
    """What a figure is written as. One to keep in git has no PNG: it is most of the weight, and the SVG shows the same."""
    return tuple(kind for kind in FORMATS if kind != "png" or not folder.closed)


def look(index: int) -> dict[str, Any]:
    """Colour and marker of the index-th series."""
    return {"color": COLOURS[index % len(COLOURS)], "marker": MARKERS[index % len(MARKERS)]}


# Decorates a function that draws: the look holds while it runs and touches nobody else's figures.
styled = matplotlib.rc_context(_RC)


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, shares: list[int] | None = None
) -> tuple[Figure, Any]:
    """A figure in inches and its axes as a 2D array; `shares` of the width by column, else all alike."""
    return plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", width_ratios=shares)


def save(figure: Figure, folder: ReportFolder, name: str) -> None:
    """Write figures/<name> in its formats, atomically and with the same bytes for the same figure, and close it."""
    # Laid out once: the layout does not depend on the format, and takes as long as drawing.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for kind in formats(folder):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind], facecolor="white")
        folder.write(f"figures/{name}.{kind}", buffer.getvalue())
    plt.close(figure)


@styled
def draw_sentence(sentence: str, folder: ReportFolder, name: str) -> None:
    """A figure that holds a sentence: a declared file must be there, and it must not look like a result."""
    figure, axes = new_figure(6, 1)
    axes[0, 0].set_axis_off()
    axes[0, 0].text(0, 0.5, textwrap.fill(sentence, 80), va="center")
    save(figure, folder, name)
