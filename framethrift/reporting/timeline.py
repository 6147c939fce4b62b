"""Which frames each selector picked, against where the evidence was."""

from dataclasses import dataclass
from typing import Any

from framethrift.config.sampling import Select
from framethrift.reporting.cell_file import key_frames
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.labels import row_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.style import look, new_figure, save, styled

RULE = (
    "The first questions, by question id, whose evidence lies in most separate places: chosen by this rule, not by their outcome."
)


@dataclass(frozen=True)
class Pick:
    """The key frames that one cell showed for a question, in seconds, and whether the answer was right."""

    label: str
    variant: str
    times: list[float]
    right: bool


@dataclass(frozen=True)
class Timeline:
    """One question with its evidence and every selector's frames."""

    question_id: str
    question: str
    answer: str
    duration: float
    evidence: list[tuple[float, float]]
    picks: list[Pick]


def timelines(sources: Sources, limit: int = 3) -> list[Timeline]:
    """Up to `limit` questions that every present selector answered, from the study's first seed (see RULE).

    Selectors are those that show as many frames as the study trains with, whole and in order; others would fill pages.
    """
    study, facts = sources.study, sources.facts
    whole = Select(frames=study.training.key_frames.frames)
    cells = [
        cell
        for key, cell in sources.results.cells.items()
        if isinstance(shown := study.samplings[key.sampling], Select)
        and (shown.frames, shown.order, shown.reducer) == (whole.frames, whole.order, whole.reducer)
        and not cell.missing
    ]
    answered = [_first_seed(cell) for cell in cells]
    if not answered:
        return []
    common = set.intersection(*(set(rows) for rows in answered))
    told = sorted(
        (question for question in common if facts.evidence.get(question)), key=lambda name: (-len(facts.evidence[name]), name)
    )
    found = []
    for question in told[:limit]:
        row = answered[0][question]
        picks = [_pick(sources, cell, rows[question]) for cell, rows in zip(cells, answered, strict=True)]
        length = facts.duration.get(row["video_id"], max(end for _, end in facts.evidence[question]))
        found.append(Timeline(question, row["question"], row["answer"], length, facts.evidence[question], picks))
    return found


@styled
def draw_timelines(found: list[Timeline], variants: list[str], folder: ReportFolder, name: str) -> None:
    """One plot per question: evidence as bands, shown frames as markers, filled where the answer was right."""
    rows = len(found[0].picks)
    figure, axes = new_figure(10, (0.26 * rows + 0.95) * len(found), rows=len(found))
    for axis, line in zip(axes[:, 0], found, strict=True):
        for start, end in line.evidence:
            axis.axvspan(start - 0.4, end + 0.4, color="#F0E442", alpha=0.6, linewidth=0, zorder=0)
        for place, pick in enumerate(line.picks):
            style = look(variants.index(pick.variant))
            axis.scatter(
                pick.times, [place] * len(pick.times), s=26, marker=style["marker"], edgecolors=style["color"],
                facecolors=style["color"] if pick.right else "white", zorder=2,
            )  # fmt: skip
        axis.set_yticks(range(rows), [f"{pick.label}  {'✓' if pick.right else '✗'}" for pick in line.picks])
        axis.set(xlim=(-1, line.duration + 1), ylim=(rows - 0.4, -0.6), title=f"{line.question}  → {line.answer}")
        axis.title.set_fontsize(8)
        axis.tick_params(axis="y", length=0, labelsize=7)
        axis.grid(axis="x", visible=False)
    axes[-1, 0].set_xlabel("seconds; yellow: where the evidence is; filled markers: answered right")
    save(figure, folder, name)


def _first_seed(cell: Cell) -> dict[str, dict[str, Any]]:
    rows = cell.rows[cell.rows["seed"] == cell.rows["seed"].min()]
    return {row["question_id"]: row for row in rows.to_dict("records")}


def _pick(sources: Sources, cell: Cell, row: dict[str, Any]) -> Pick:
    study, key = sources.study, cell.key
    label = f"{key.variant}: {row_label(study, key.row)}"
    return Pick(label, key.variant, key_frames(row["shown"]), row["score"] == 1)
