"""Training and reward curves from the spools."""

import re
from collections.abc import Sequence

import numpy as np

from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.stage_runs import Recorded
from framethrift.reporting.style import COLOURS, DASHES, new_figure, save, styled

Series = list[tuple[str, dict[int, float]]]
_COLUMNS = 3
_OUTCOMES = ("accuracy", "validation_accuracy", "evidence_coverage")
_SEED = re.compile(r"/seed\d+")
_FEW = 8  # names in a legend of the usual size
_SMOOTHED = 0.05  # share of a curve's points in the running mean


def training_panels(runs: Sequence[Recorded]) -> dict[str, Series]:
    """Per stage, its losses over the steps: every metric that ends in "loss", with at least two points."""
    panels: dict[str, Series] = {}
    for run in runs:
        losses = {metric: curve for metric, curve in run.curves.items() if metric.endswith("loss") and len(curve) > 1}
        for metric, curve in losses.items():
            panels.setdefault(run.stage, []).append((run.name if len(losses) == 1 else f"{run.name} {metric}", curve))
    return panels


def reward_panels(runs: Sequence[Recorded]) -> dict[str, Series]:
    """What the reinforcement-learning stages logged of their rewards, accuracies and frames (MSJoE Fig. 8)."""
    panels: dict[str, Series] = {}
    for run in runs:
        for metric, curve in run.curves.items():
            if (metric.startswith("reward") or metric in _OUTCOMES) and len(curve) > 1:
                panels.setdefault(f"{run.stage}: {metric}", []).append((run.name, curve))
    return panels


@styled
def draw_curves(panels: dict[str, Series], folder: ReportFolder, name: str) -> None:
    """One small plot per panel: thin raw curves, thick the running mean over seeds; dashes and colours tell series apart."""
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(3.6 * columns, 2.7 * rows, rows, columns)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, series) in zip(axes.flat, panels.items(), strict=False):
        for number, (label, curves) in enumerate(_by_name(series).items()):
            colour = COLOURS[number % len(COLOURS)]
            for curve in curves:
                axis.plot(sorted(curve), [curve[step] for step in sorted(curve)], color=colour, linewidth=0.5, alpha=0.35)
            steps = sorted(set().union(*curves))
            values = np.array([np.mean([curve[step] for curve in curves if step in curve]) for step in steps])
            axis.plot(
                steps, _running_mean(values), color=colour, linestyle=DASHES[number % len(DASHES)], linewidth=1.6, label=label
            )
        positive = all(value > 0 for _, curve in series for value in curve.values())
        if positive and _spread(series) > 20:
            axis.set_yscale("log")
        axis.set(title=title, xlabel="step")
        axis.legend(fontsize=6 if len(_by_name(series)) > _FEW else None)
    save(figure, folder, name)


def _by_name(series: Series) -> dict[str, list[dict[int, float]]]:
    """Curves that differ in nothing but the seed, together under one name."""
    found: dict[str, list[dict[int, float]]] = {}
    for label, curve in series:
        found.setdefault(_SEED.sub("", label), []).append(curve)
    return found


def _spread(series: Series) -> float:
    values = [value for _, curve in series for value in curve.values()]
    return max(values) / min(values)


def _running_mean(values: np.ndarray) -> np.ndarray:
    width = max(1, int(len(values) * _SMOOTHED))
    padded = np.concatenate([np.full(width - 1, values[0]), values])
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")
