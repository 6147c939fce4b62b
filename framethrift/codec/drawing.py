"""Pictures of codec primitives: one column per slot, one row per thing to see (after CoPE's Fig. 5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from framethrift.codec.fusion import warp
from framethrift.codec.gops import Gop
from framethrift.files import replace_file

# Okabe and Ito's palette, which colour-blind readers tell apart; type is also said by letters and by height.
TYPE_COLOURS = {"I": "#D55E00", "P": "#0072B2", "B": "#009E73"}
# δ beyond this many grey levels is drawn in full colour.
RESIDUAL_REACH = 64
# Side of the patches that the Δ-encoder's motion branch reads (CoPE supplement, "Motion Vector Branch").
PATCH = 16
_SMALL = 256


@dataclass(frozen=True)
class Column:
    """What one slot shows; ``reference``, ``motion`` and ``residual`` are None for an I-frame."""

    gop: int
    slot: int
    time: float
    frame: NDArray[np.uint8]
    reference: NDArray[np.uint8] | None = None
    motion: NDArray[np.int16] | None = None
    residual: NDArray[np.int16] | None = None

    @property
    def title(self) -> str:
        return f"{'I: RGB' if self.motion is None else 'P: Δ'}-tokens\n{self.time:.2f} s\nGOP {self.gop}, slot {self.slot}"


def columns_of(gop: Gop, slots: Sequence[int] | None = None) -> list[Column]:
    """The chosen slots of a GOP (all when None) as columns."""
    columns = []
    for slot in range(len(gop.times)) if slots is None else slots:
        primitives = (gop.frames[slot - 1], gop.motion[slot - 1], gop.residual[slot - 1]) if slot else (None, None, None)
        columns.append(Column(gop.index, slot, float(gop.times[slot]), gop.frames[slot], *primitives))
    return columns


def motion_reach(columns: Sequence[Column]) -> float:
    """The length, in pixels, that full colour stands for: what 99 % of the moving pixels stay below, at least 1."""
    lengths = [np.hypot(column.motion[..., 0], column.motion[..., 1]) for column in columns if column.motion is not None]
    moving = np.concatenate([length[length > 0] for length in lengths]) if lengths else np.empty(0)
    return max(1.0, float(np.percentile(moving, 99))) if moving.size else 1.0


def motion_colours(motion: NDArray[Any], reach: float) -> NDArray[np.float64]:
    """Direction as hue, length as saturation; white is rest. (H, W, 2) pixels to RGB floats (H, W, 3)."""
    x, y = motion[..., 0].astype(float), motion[..., 1].astype(float)
    hue = np.arctan2(-y, x) / (2 * np.pi) % 1
    strength = np.clip(np.hypot(x, y) / reach, 0, 1)
    return hsv_to_rgb(np.stack([hue, strength, 1 - 0.15 * strength], axis=-1))


def patch_means(values: NDArray[Any], side: int = PATCH) -> NDArray[np.float64]:
    """Mean over whole ``side`` x ``side`` patches, (H, W, C) to (H // side, W // side, C)."""
    rows, columns = max(values.shape[0] // side, 1), max(values.shape[1] // side, 1)
    inner = values[: rows * side, : columns * side]
    return inner.reshape(rows, inner.shape[0] // rows, columns, inner.shape[1] // columns, -1).mean(axis=(1, 3))


def _show(axes: Axes, image: NDArray[Any], **options: Any) -> None:
    # Small pictures are embedded pixel by pixel (sharp, and small in an SVG); large ones are scaled down smoothly.
    small = max(image.shape[:2]) <= _SMALL
    axes.imshow(image, interpolation="none" if small else "antialiased", **options)


def _reference(axes: Axes, column: Column) -> None:
    if column.reference is not None:
        _show(axes, column.reference)


def _arrows(axes: Axes, motion: NDArray[Any], colour: str) -> None:
    """Arrows from where content was to where it is, true to scale, one per patch, thinned to about 24 across."""
    height, width = motion.shape[:2]
    side = PATCH * max(1, round(max(height, width) / (24 * PATCH)))
    means = patch_means(motion, side)
    # Arrows too short to be seen would only be dots.
    rows, columns = np.nonzero(np.hypot(means[..., 0], means[..., 1]) >= max(0.5, max(height, width) / 80))
    if len(rows):
        x, y = (columns + 0.5) * side, (rows + 0.5) * side
        vectors = means[rows, columns]
        axes.quiver(
            x, y, vectors[:, 0], vectors[:, 1], angles="xy", scale_units="xy", scale=1, pivot="tip", width=0.008, color=colour
        )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)


def _residual(axes: Axes, column: Column) -> None:
    if column.residual is not None:
        _show(axes, column.residual.mean(axis=-1), cmap="PuOr", vmin=-RESIDUAL_REACH, vmax=RESIDUAL_REACH)
        axes.set_xlabel(f"mean |δ| {np.abs(column.residual).mean():.1f}")


def _compensated(axes: Axes, column: Column) -> None:
    if column.reference is not None and column.motion is not None:
        _show(axes, warp(column.reference, column.motion))
        difference = np.abs(column.frame.astype(np.int16) - column.reference).mean()
        axes.set_xlabel(f"without τ: {difference:.1f}")


def _result(axes: Axes, column: Column) -> None:
    if column.reference is None or column.motion is None or column.residual is None:
        _show(axes, column.frame)
        axes.set_xlabel("coded as it is")
        return
    result = warp(column.reference, column.motion) + column.residual
    _show(axes, result.astype(np.uint8))
    axes.set_xlabel(f"{int((result != column.frame).any(axis=-1).sum())} wrong pixels")


def _encoder_motion(axes: Axes, column: Column) -> None:
    """τ scaled to [-1, 1] by its smallest and largest component (supplement, Sec. B), mean per patch."""
    if column.motion is None:
        return
    low, high = float(column.motion.min()), float(column.motion.max())
    if high == low:
        _patches(axes, motion_colours(np.zeros_like(patch_means(column.motion)), 1))
        axes.set_xlabel("no range: all 0")
        return
    scaled = (column.motion - low) * (2 / (high - low)) - 1
    _patches(axes, motion_colours(patch_means(scaled), 1))
    axes.set_xlabel(f"{low:.0f} to {high:.0f} px; rest is {-2 * low / (high - low) - 1:+.2f}")


def _encoder_residual(axes: Axes, column: Column) -> None:
    """Mean |δ| / 255 per patch."""
    if column.residual is None:
        return
    energy = patch_means(np.abs(column.residual)).mean(axis=-1) / 255
    _patches(axes, energy, cmap="Greys", vmin=0, vmax=RESIDUAL_REACH / 255)
    axes.set_xlabel(f"{energy.shape[0]} × {energy.shape[1]} patches")


def _patches(axes: Axes, image: NDArray[Any], **options: Any) -> None:
    axes.imshow(image, interpolation="nearest", aspect="auto", **options)


def _wheel(axes: Axes, reach: float) -> None:
    """The legend of the motion row."""
    y, x = np.mgrid[-1:1:101j, -1:1:101j]
    disc = np.hypot(x, y) <= 1
    colours = motion_colours(np.stack([x, y], axis=-1) * reach, reach)
    colours[~disc] = 1
    inset = axes.inset_axes((0.22, 0.2, 0.56, 0.7))
    inset.imshow(colours)
    inset.set_axis_off()
    axes.text(0.5, 0.06, f"rim: {reach:.0f} px", ha="center", transform=axes.transAxes, fontsize=8)


def _scale(axes: Axes) -> None:
    """The legend of the residual row."""
    inset = axes.inset_axes((0.08, 0.5, 0.84, 0.12))
    inset.imshow(np.linspace(-1, 1, 64)[None], cmap="PuOr", aspect="auto", extent=(-RESIDUAL_REACH, RESIDUAL_REACH, 0, 1))
    inset.set_yticks([])
    inset.set_xticks([-RESIDUAL_REACH, 0, RESIDUAL_REACH])
    inset.tick_params(labelsize=8)
    axes.text(0.5, 0.7, "δ, mean of R, G, B", ha="center", transform=axes.transAxes, fontsize=8)


def _note(text: str) -> Callable[[Axes], None]:
    def write(axes: Axes) -> None:
        axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, fontsize=8)

    return write


_Row = tuple[str, Callable[[Axes, Column], None], Callable[[Axes], None]]


def _rows(reach: float, encoder_view: bool) -> list[_Row]:
    """Label, how to draw a column, and what stands in the place of the first I-frame."""

    def motion(axes: Axes, column: Column) -> None:
        if column.motion is not None:
            _show(axes, motion_colours(column.motion, reach))
            _arrows(axes, column.motion, "black")
            axes.set_xlabel(f"mean |τ| {np.hypot(*np.moveaxis(column.motion.astype(float), -1, 0)).mean():.1f} px")

    rows: list[_Row] = [
        ("reference\nframe", _reference, _note("an I-frame refers\nto nothing")),
        ("motion τ", motion, lambda axes: _wheel(axes, reach)),
        ("residual δ", _residual, _scale),
        ("reference\nmoved by τ", _compensated, _note("reference[i − τ]")),
        ("moved + δ\n= frame", _result, _note("")),
    ]
    if encoder_view:
        rows.append(
            ("Δ-encoder:\nτ in [−1, 1]", _encoder_motion, _note(f"mean of {PATCH}×{PATCH} px,\ncolours as above,\nrim: 1"))
        )
        rows.append(
            (
                "Δ-encoder:\n|δ| / 255",
                _encoder_residual,
                _note(f"mean of {PATCH}×{PATCH} px,\nblack: {RESIDUAL_REACH / 255:.2f}"),
            )
        )
    return rows


@dataclass(frozen=True)
class Grid:
    """The layout, in inches, of a grid of pictures: a label at the left, a title at the top, a line of text below each."""

    columns: Sequence[Column]
    picture: float
    encoder_view: bool
    gap: float = 0.07

    label = 1.0
    title = 0.6
    line = 0.26

    @property
    def width(self) -> float:
        return self.label + len(self.columns) * (self.picture + self.gap)

    @property
    def height(self) -> float:
        return self.title + (7 if self.encoder_view else 5) * self._pitch

    @property
    def _picture_height(self) -> float:
        rows, columns = self.columns[0].frame.shape[:2]
        return self.picture * rows / columns

    @property
    def _pitch(self) -> float:
        return self._picture_height + self.line

    def draw(self, figure: Figure) -> None:
        """Draw into the lower left corner of a figure, one column per slot: reference, τ, δ, moved reference, result."""
        across, up = figure.get_size_inches()
        first_intra = next((k for k, column in enumerate(self.columns) if column.motion is None), None)
        for r, (label, draw, legend) in enumerate(_rows(motion_reach(self.columns), self.encoder_view)):
            bottom = self.height - self.title - r * self._pitch - self._picture_height
            for c, column in enumerate(self.columns):
                left = self.label + c * (self.picture + self.gap)
                axes = figure.add_axes((left / across, bottom / up, self.picture / across, self._picture_height / up))
                axes.set_xticks([])
                axes.set_yticks([])
                axes.xaxis.label.set_fontsize(8)
                draw(axes, column)
                if not axes.images:
                    axes.set_frame_on(False)
                    if c == first_intra:
                        legend(axes)
                if r == 0:
                    axes.set_title(column.title, fontsize=9, color=TYPE_COLOURS["I" if column.motion is None else "P"])
                if c == 0:
                    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9, labelpad=8)


def save_figure(figure: Figure, out: str | Path) -> None:
    """Write .png, .svg or .pdf, the same bytes each time, complete or not at all."""
    out = Path(out)
    dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(out.suffix)
    with matplotlib.rc_context({"svg.hashsalt": "framethrift"}):
        replace_file(out, lambda path: figure.savefig(path, dpi=120, metadata=dates))
