"""From a number to single questions: one page per benchmark, and data beside it that the page loads when it shows it."""

from collections.abc import Iterator, Sequence
from typing import Any

from framethrift.evaluation.labels import LABELS
from framethrift.reporting.entries import accuracy_entry
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.question_data import QuestionData, compact, pieces
from framethrift.reporting.question_frames import Sheets, draw_sheets
from framethrift.reporting.results import Cell
from framethrift.reporting.site import Site


def write_questions(site: Site, benchmark: str, cells: Sequence[Cell], limit: int | None = None) -> None:
    """Write questions/<benchmark>.html and its data, questions/<benchmark>/*.js, of the cells that have answers.

    `limit` keeps the first questions only, for a report that must stay small. Data files call `given(name, content)`: a script is
    the one thing that a page opened from disk may load.
    """
    data = QuestionData(cells, limit)
    moments = data.moments
    page, place = f"questions/{benchmark}.html", f"questions/{benchmark}"
    sheets = draw_sheets(site, benchmark, moments, f"{place}/frames")

    def give(name: str, text: str) -> None:
        site.folder.write(f"{place}/{name}.js", f"given({compact(name)},{text});\n")

    videos = list(dict.fromkeys(facts["video_id"] for facts in data.facts.values()))
    rows = {"text": _text(site, data, videos), "videos": _videos(site, videos, sheets), "answers": data.answers()}
    starts: dict[str, list[int]] = {kind: [] for kind in rows}
    for kind, texts in rows.items():
        for number, (first, text) in enumerate(pieces(texts)):
            starts[kind].append(first)
            give(f"{kind}-{number}", text)
    for cell, outcomes in zip(cells, data.outcomes, strict=True):
        told = site.sources.labels.get(cell.key.variant, {}).get(benchmark, {}).get("questions", {})
        labels = [LABELS.index(told[question]) if question in told else -1 for question in data.facts] if told else None
        give(f"of-{cell.key.system}", compact({"outcomes": outcomes, "labels": labels}))
    systems = [_system(site, cell, page) for cell in cells]
    index: dict[str, Any] = {"count": len(data.facts), "starts": starts, "labels": LABELS, "systems": systems}
    for by in ("type", "part"):
        names = sorted({facts[by] for facts in data.facts.values()})
        index[by] = {"names": names, "of": [names.index(facts[by]) for facts in data.facts.values()]}
    give("index", compact(index))
    site.write(
        page,
        "questions.html.j2",
        benchmark=site.sources.title(benchmark),
        name=benchmark,
        count=len(data.facts),
        total=data.total,
        systems=systems,
        undrawn=len(sheets.missing),
        drawn=len(sheets.drawn),
    )


def _text(site: Site, data: QuestionData, videos: list[str]) -> Iterator[str]:
    """Per question [id, number of its video, the video's id, question, options, right answer, evidence in seconds]."""
    places = {video: number for number, video in enumerate(videos)}
    evidence = site.sources.facts.evidence
    for question, facts in data.facts.items():
        video = facts["video_id"]
        told = [facts["question"], facts["options"], facts["answer"], evidence.get(question, [])]
        yield compact([question, places[video], video, *told])


def _videos(site: Site, videos: list[str], sheets: Sheets) -> Iterator[str]:
    """Per video [seconds, its sheet of pictures: file, times, width, height, pictures per line; or why there is none]."""
    for video in videos:
        sheet = sheets.drawn.get(video)
        drawn = sheet and [sheet.file.removeprefix("questions/"), sheet.times, sheet.width, sheet.height, sheet.across]
        yield compact([site.sources.facts.duration.get(video), drawn or sheets.missing.get(video, "")])


def _system(site: Site, cell: Cell, page: str) -> dict[str, Any]:
    """What the page says of a cell."""
    study, key, shown = site.sources.study, cell.key, accuracy_entry(cell)
    notes = [f"answers that could not be parsed and count as wrong: {cell.unparsable}"] if cell.unparsable else []
    notes += [f"answers left out because the judge failed: {cell.failed}"] if cell.failed else []
    notes += [f"the cell is {cell.short}"] if cell.short else []
    if cell.lmms is not None:
        notes.append(f"lmms-eval's own score is {100 * cell.lmms:.1f} %, another on {len(cell.differing)} answers")
    return {
        "name": key.system,
        "model": variant_label(study, key.variant),
        "shown": row_label(study, key.row),
        "sampling": key.sampling,
        "accuracy": shown.text,
        "interval": shown.interval,
        "asked": f"{len(cell.scores)} questions of {cell.accuracy.clusters} videos",
        "notes": notes,
        "seeds": len(cell.files),
        "files": {str(seed): link for seed, path in cell.files.items() if (link := site.folder.source(path, page))},
    }
