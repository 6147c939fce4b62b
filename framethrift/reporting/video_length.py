"""How much video fits into a context (CoPE Fig. 4b): arithmetic over the token budget, no model needed."""

from dataclasses import dataclass

import numpy as np

from framethrift.config.rows import changes, stream_rows
from framethrift.config.sampling import Stream
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.labels import sampling_label
from framethrift.reporting.sources import Sources
from framethrift.reporting.style import COLOURS, DASHES, new_figure, save, styled
from framethrift.tokens import TokenCosts
from framethrift.tokens.budget import seconds_that_fit

RULE = (
    "Length of video, a frame per fusion window, that fits into a context without any text (CoPE Fig. 4b). Vertical lines: "
    "contexts of 32,768, 131,072 and one million tokens. The papers' prices: 210 tokens per I-frame, 10 per P-frame, GOPs of 8 s."
)
CONTEXTS = (32_768, 131_072, 1_000_000)
PAPER_GOP_SECONDS = 8.0
PAPER_SLOTS = 8


@dataclass(frozen=True)
class Line:
    """One way to show a GOP: I-frames and P-frames, and how many seconds it covers."""

    label: str
    i_frames: int
    p_frames: int
    seconds: float


def length_panels(sources: Sources) -> dict[str, tuple[TokenCosts, list[Line]]]:
    """The papers' prices, and the study's own where it has token streams; per panel prices and lines, cheapest first."""
    panels: dict[str, tuple[TokenCosts, list[Line]]] = {}
    for ledger in sources.ledgers:
        if ledger.token_prices:
            prices = TokenCosts(**ledger.token_prices.model_dump())
            panels[f"{ledger.paper}'s prices"] = (prices, [_paper_line(keys) for keys in (1, 2, 4, PAPER_SLOTS)])
    study = sources.study
    lines: dict[str, Line] = {}
    costs: TokenCosts | None = None
    for variant, name in stream_rows(study):
        sampling, recipe = study.samplings[name], study.recipe_of(variant)
        assert isinstance(sampling, Stream)
        # Adaptive fusion has no fixed number of frames per GOP.
        if sampling.delta not in ("keep", "drop") or sampling.fusion != "fixed" or "models" in " ".join(changes(study, variant)):
            continue
        models = study.models_of(variant)
        costs = TokenCosts.of(models.vision.grid, models.delta_encoder.motion_tokens, models.delta_encoder.residual_tokens)
        shown = recipe.slots_at(sampling.window) - sampling.keyframes_per_gop if sampling.delta == "keep" else 0
        label = sampling_label(sampling, recipe)
        lines.setdefault(label, Line(label, sampling.keyframes_per_gop, shown, recipe.gop / recipe.fps))
    if costs is not None:
        panels[f"study {study.name}"] = (costs, list(lines.values()))
    return panels


@styled
def draw_lengths(panels: dict[str, tuple[TokenCosts, list[Line]]], folder: ReportFolder, name: str) -> None:
    """One log-log plot per panel: hours of video against the token budget."""
    figure, axes = new_figure(5.2 * len(panels), 4.2, columns=len(panels))
    budgets = np.geomspace(2_000, 2_000_000, 60)
    for axis, (title, (costs, lines)) in zip(axes[0], panels.items(), strict=True):
        for index, line in enumerate(lines):
            hours = [seconds_that_fit(int(b), costs, line.i_frames, line.p_frames, line.seconds) / 3600 for b in budgets]
            axis.plot(
                budgets, hours, color=COLOURS[index % len(COLOURS)], linestyle=DASHES[index % len(DASHES)], label=line.label
            )
        for context in CONTEXTS:
            axis.axvline(context, color="#888888", linewidth=0.8, linestyle=":")
        axis.set(xscale="log", yscale="log", title=title, xlabel="visual tokens", ylabel="hours of video")
        axis.legend(loc="upper left")
    save(figure, folder, name)


def _paper_line(keys: int) -> Line:
    deltas = PAPER_SLOTS - keys
    label = f"{keys} key frame{'s' if keys > 1 else ''}" + (f" + {deltas} P-frames" if deltas else "") + " / GOP"
    return Line(label, keys, deltas, PAPER_GOP_SECONDS)
