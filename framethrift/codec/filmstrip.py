"""A strip of slots for the report: where a P-frame comes from, and where Δ-tokens stand for it (after CoPE's Fig. 5)."""

from collections.abc import Iterable
from pathlib import Path

from matplotlib.figure import Figure

from framethrift.codec.drawing import Grid, columns_of, save_figure
from framethrift.codec.gops import read_gops


def draw_filmstrip(path: str | Path, files: Iterable[str | Path], window: int, max_slots: int = 8) -> None:
    """Draw the first ``max_slots`` slots: reference, motion vectors, residual, motion-compensated reference, result.

    Args:
        path: a file that ``read_gops`` reads.
        files: pictures to write, each .svg, .png or .pdf.
        window: fusion window s in frames.
        max_slots: columns, I-frames included.

    Raises:
        VideoRejected: as ``read_gops``.
        ValueError: ``max_slots`` below 1.
    """
    if max_slots < 1:
        raise ValueError(f"max_slots must be at least 1, not {max_slots}")
    columns = []
    for gop in read_gops(path, window):
        columns += columns_of(gop)
        if len(columns) >= max_slots:
            break
    grid = Grid(columns[:max_slots], picture=1.5, encoder_view=False)
    figure = Figure(figsize=(grid.width, grid.height))
    grid.draw(figure)
    for file in files:
        save_figure(figure, file)
