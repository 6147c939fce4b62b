"""One picture of what a codec knows about a clip, and what the Δ-encoder will be given."""

import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from framethrift.codec.drawing import TYPE_COLOURS, Column, Grid, columns_of, save_figure
from framethrift.codec.encode import reencode
from framethrift.codec.frame_table import FrameTable, frame_table
from framethrift.codec.gops import VECTOR_CODECS, read_gops
from framethrift.codec.probe import VideoFacts, probe
from framethrift.codec.verify import VerifyResult, verify
from framethrift.config.recipe import Recipe

_WIDTH = 14.0
# Inches for the bytes per frame, with its axis, and for the lines above it.
_CHART = 2.6
_HEADING = 0.75
# No picture is higher than this, or six rows would not fit a screen.
_HIGHEST = 1.7
_GAP = 0.07
_MOST_SLOTS = 8
# The bar chart stays legible up to about this many frames.
_MOST_BARS = 720


@dataclass(frozen=True)
class _Clip:
    """A file that can be read as primitives, and how it came to be."""

    path: Path
    facts: VideoFacts
    table: FrameTable
    note: str


def _readable(path: Path, folder: Path) -> _Clip:
    """The file itself, or a re-encoded copy in ``folder`` if it has no vectors or has B-frames."""
    facts = probe(path)
    table = frame_table(path)
    if facts.codec not in VECTOR_CODECS:
        cause = f"FFmpeg gives no motion vectors for {facts.codec}"
    elif "B" in table.types:
        cause = f"this {facts.codec} stream holds B-frames"
    else:
        turned = f", shown as stored (the container asks for a turn of {facts.rotation}°)" if facts.rotation else ""
        return _Clip(path, facts, table, f"read as it is{turned}")
    recipe = Recipe.model_validate({"fps": min(facts.fps, 60)})
    copy = folder / "copy.mp4"
    reencode(path, copy, recipe)
    note = f"re-encoded for this picture to {recipe.codec}, GOP {recipe.gop}, quantiser {recipe.quantiser}: {cause}"
    return _Clip(copy, facts, frame_table(copy), note)


def _busiest_gop(table: FrameTable, window: int) -> int:
    """The GOP with the most slots (up to what is drawn), and among those the most bytes per P-frame."""
    starts = [*np.flatnonzero(table.key).tolist(), len(table.types)]

    def rank(gop: int) -> tuple[int, float]:
        first, end = starts[gop], starts[gop + 1]
        inter = table.bytes[first + 1 : end]
        return min(1 + (end - first - 1) // window, _MOST_SLOTS), float(inter.mean()) if len(inter) else 0.0

    return max(range(len(starts) - 1), key=rank)


def default_window(table: FrameTable) -> int:
    """The window that gives the longest GOP at most ``_MOST_SLOTS`` slots."""
    starts = [*np.flatnonzero(table.key).tolist(), len(table.types)]
    return max(1, -(-int(np.diff(starts).max()) // _MOST_SLOTS))


def _draw_bytes(axes: Axes, table: FrameTable, window: int, drawn: int) -> None:
    count = min(len(table.types), _MOST_BARS)
    numbers = np.arange(count)
    types = np.array(table.types[:count])
    for kind, colour in TYPE_COLOURS.items():
        chosen = types == kind
        if chosen.any():
            # I-frames are few: at least two thousandths of the axis wide, or they would vanish.
            width = max(0.9, 0.002 * count) if kind == "I" else 0.9
            axes.bar(
                numbers[chosen],
                table.bytes[:count][chosen],
                width,
                color=colour,
                label=f"{kind}-frames",
                zorder=2 + (kind == "I"),
            )
    axes.set_yscale("log")
    axes.set_ylabel("bytes per frame")
    axes.set_xlim(-0.7, count - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    starts = [*np.flatnonzero(table.key).tolist(), len(table.types)]
    top = axes.get_ylim()[1]
    for start in starts[:-1]:
        if start < count:
            axes.annotate("I", (start, table.bytes[start]), ha="center", va="bottom", fontsize=8, color=TYPE_COLOURS["I"])
    slots = [n for first, end in pairwise(starts) for n in range(first, end, window) if n < count]
    axes.plot(slots, [axes.get_ylim()[0]] * len(slots), "k^", markersize=5, clip_on=False, label=f"slots (every {window} frames)")
    axes.axvspan(starts[drawn] - 0.5, min(starts[drawn + 1], count) - 0.5, color="0.92", zorder=0, label="GOP drawn below")
    axes.set_ylim(top=top * 2)
    shown = "" if count == len(table.types) else f" (first {count} of {len(table.types)})"
    axes.set_xlabel(f"frame number{shown}")
    axes.legend(fontsize=8, ncols=5, loc="upper right", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _heading(path: Path, clip: _Clip, window: int, result: VerifyResult) -> str:
    facts, table = clip.facts, clip.table
    total = int(table.bytes.sum())
    inter = int(table.bytes[~table.key].sum())
    source = f"{facts.codec}, {facts.width}×{facts.height}, {facts.fps:.4g} frames/s, {facts.duration:.2f} s"
    gain = f"τ explains {result.gain:.0%} of the frame differences" if result.windows else "too short for a fused P-frame"
    lines = [
        f"{path.name}: {source}; {clip.note}",
        f"{len(table.types)} frames, {int(table.key.sum())} GOP(s), fusion window s = {window} frames; "
        f"{total / 1e3:,.0f} kB, {inter / total:.0%} of them in P-frames",
        f"{result.windows} windows checked against a plain decoding: {result.mismatching_pixels} wrong pixels; {gain}",
    ]
    return "\n".join(lines)


def _chosen(clip: _Clip, window: int, drawn: int) -> list[Column]:
    gop = next(read_gops(clip.path, window, [drawn]))
    count = len(gop.times)
    slots = np.unique(np.linspace(0, count - 1, min(count, _MOST_SLOTS)).round().astype(int)).tolist()
    return columns_of(gop, slots)


def draw_inspection(path: str | Path, out: str | Path, window: int | None = None) -> VerifyResult:
    """Draw bytes per frame, and for the busiest GOP frames, τ, δ, the reconstruction and the Δ-encoder's view.

    A file without motion vectors, or with B-frames, is re-encoded to a temporary file first, and the picture says so.

    Args:
        path: any video file.
        out: picture to write: .png, .svg or .pdf.
        window: fusion window s in frames; None gives the longest GOP about eight slots.

    Returns:
        the check that the picture's heading reports.

    Raises:
        VideoRejected: the file is bad.
        ValueError: ``window`` below 1, or a picture format that is not supported.
    """
    path, out = Path(path), Path(out)
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1, not {window}")
    if out.suffix not in {".png", ".svg", ".pdf"}:
        raise ValueError(f"out {out} must end in .png, .svg or .pdf")
    with tempfile.TemporaryDirectory(prefix="framethrift-inspect-") as folder:
        clip = _readable(path, Path(folder))
        window = window or default_window(clip.table)
        result = verify(clip.path, window)
        drawn = _busiest_gop(clip.table, window)
        columns = _chosen(clip, window, drawn)
    rows, across = columns[0].frame.shape[:2]
    pitch = (_WIDTH - Grid.label) / max(len(columns), 4)
    picture = min(pitch - _GAP, _HIGHEST * across / rows)
    grid = Grid(columns, picture, encoder_view=True, gap=min(pitch - picture, max(_GAP, 1.2 - picture)))
    height = grid.height + _CHART + _HEADING
    figure = Figure(figsize=(_WIDTH, height))
    grid.draw(figure)
    chart = figure.add_axes(
        (Grid.label / _WIDTH, (grid.height + 0.6) / height, 1 - (Grid.label + 0.1) / _WIDTH, (_CHART - 0.7) / height)
    )
    _draw_bytes(chart, clip.table, window, drawn)
    figure.text(0.1 / _WIDTH, 1 - 0.1 / height, _heading(path, clip, window, result), ha="left", va="top", fontsize=10)
    save_figure(figure, out)
    return result
