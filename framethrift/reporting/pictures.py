"""The static figures of a report: drawn from the results, or a sentence that says why not."""

from dataclasses import dataclass, replace

from framethrift.config.tables import table_rows
from framethrift.reporting.codec_speed import RULE as SPEED_RULE
from framethrift.reporting.codec_speed import draw_codec_speed, read_codec_speed
from framethrift.reporting.curves import Series, draw_curves, reward_panels, training_panels
from framethrift.reporting.filmstrip import KINDS, draw_filmstrip_files, filmstrip_video
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.pareto import COSTS, SECONDS, draw_pareto
from framethrift.reporting.reducer_plot import RULE as REDUCERS_RULE
from framethrift.reporting.reducer_plot import draw_methods, method_panels
from framethrift.reporting.sources import Sources
from framethrift.reporting.stage_runs import Recorded
from framethrift.reporting.style import FORMATS, draw_sentence, formats
from framethrift.reporting.timeline import RULE, draw_timelines, timelines
from framethrift.reporting.video_length import RULE as LENGTH_RULE
from framethrift.reporting.video_length import draw_lengths, length_panels

FRONTIER = (
    "One plot per benchmark; filled markers are on the frontier, hollow ones dominated; bars are 95 % intervals over videos."
)
LOSSES = "Losses of every stage over its steps; thin raw, thick the running mean over seeds."
REWARDS = "Rewards, accuracies and share of evidence shown in the reinforcement-learning stages (MSJoE Fig. 8)."


@dataclass(frozen=True)
class Picture:
    """One figure of the report: files figures/<name>.<kind>, or why it is missing."""

    name: str
    title: str
    caption: str
    missing: str | None = None
    wide: bool = False
    shown: str = "svg"
    kinds: tuple[str, ...] = FORMATS
    listed: bool = True  # False: the first page has it in another form; print has it


def draw_pictures(sources: Sources, runs: list[Recorded], folder: ReportFolder) -> list[Picture]:
    """Draw every figure the results allow, in the report's order; in place of one that is missing its file says why."""
    variants = list(sources.study.variants)
    pictures = [
        *(_pareto(sources, cost, variants, folder) for cost in COSTS),
        *_reducers(sources, folder),
        _lengths(sources, folder),
        _filmstrip(sources, folder),
        _codec_speed(folder),
        _timeline(sources, variants, folder),
        _curves("training_curves", "Training curves", LOSSES, training_panels(runs), folder),
        _curves("reward_curves", "Reward curves", REWARDS, reward_panels(runs), folder),
    ]
    for picture in pictures:
        if picture.missing:
            draw_sentence(picture.missing, folder, picture.name)
    return [replace(picture, kinds=formats(folder)) if picture.kinds == FORMATS else picture for picture in pictures]


def _pareto(sources: Sources, cost: str, variants: list[str], folder: ReportFolder) -> Picture:
    against, panels_of = COSTS[cost]
    name, title, panels = f"pareto_{cost}", f"Accuracy against {against}", panels_of(sources)
    caption = f"{FRONTIER} {SECONDS}" if cost == "seconds" else FRONTIER
    if not panels:
        return Picture(name, title, caption, missing="Not drawn: no cell has both an accuracy and this cost.", listed=False)
    draw_pareto(panels, variants, folder, name)
    return Picture(name, title, caption, wide=len(panels) > 1, listed=False)


def _reducers(sources: Sources, folder: ReportFolder) -> list[Picture]:
    """Nothing in a study without token reducers."""
    name, title = "pareto_reducers", "Token reducers: accuracy against the cost of reading"
    if not table_rows(sources.study, "table_g1"):
        return []
    panels = method_panels(sources)
    if not panels:
        return [Picture(name, title, REDUCERS_RULE, missing="Not drawn: no cell of a token reducer states its costs.")]
    draw_methods(panels, folder, name)
    return [Picture(name, title, REDUCERS_RULE, wide=True)]


def _lengths(sources: Sources, folder: ReportFolder) -> Picture:
    name, title = "video_length", "Video length against token budget"
    panels = length_panels(sources)
    if not panels:
        return Picture(name, title, LENGTH_RULE, missing="Not drawn: neither a ledger nor the study prices a token stream.")
    draw_lengths(panels, folder, name)
    return Picture(name, title, LENGTH_RULE, wide=len(panels) > 1)


def _filmstrip(sources: Sources, folder: ReportFolder) -> Picture:
    name, title = "filmstrip", "What the codec stores of one video"
    found = filmstrip_video(sources)
    if found is None:
        return Picture(name, title, "", missing="Not drawn: no re-encoded test video.")
    dataset, video, path, window = found
    caption = f"Video {video} of {dataset}: frames, motion vectors τ and residuals δ of fused P-frames, and where Δ-tokens stand."
    missing = draw_filmstrip_files(path, window, folder, name)
    return Picture(name, title, caption, missing=missing, wide=True, shown="png", kinds=KINDS)


def _codec_speed(folder: ReportFolder) -> Picture:
    name, title = "codec_speed", "How fast primitives are read"
    try:
        speed = read_codec_speed()
    except ValueError as error:
        return Picture(name, title, SPEED_RULE, missing=f"Not drawn: {error}.")
    if speed is None:
        return Picture(name, title, SPEED_RULE, missing="Not drawn: perf/codec.py has not been run.")
    draw_codec_speed(speed, folder, name)
    return Picture(name, title, f"{SPEED_RULE} Measured on {speed.conditions}.", wide=True)


def _timeline(sources: Sources, variants: list[str], folder: ReportFolder) -> Picture:
    name, title = "selector_timeline", "Which frames each selector picked"
    found = timelines(sources)
    if not found:
        return Picture(name, title, RULE, missing="Not drawn: no question with evidence was answered under every frame selector.")
    draw_timelines(found, variants, folder, name)
    return Picture(name, title, RULE, wide=True)


def _curves(name: str, title: str, caption: str, panels: dict[str, Series], folder: ReportFolder) -> Picture:
    if not panels:
        return Picture(name, title, caption, missing="Not drawn: the local training records hold no such curve.")
    draw_curves(panels, folder, name)
    return Picture(name, title, caption, wide=len(panels) > 1)
