"""The page of example conversations (CoPE Fig. 6-8): frames shown, then every turn with all systems side by side."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from statistics import median
from typing import Any

from framethrift.evaluation.recorded import Item, RecordedTurn, RecordedVideo, Recording
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.question_frames import Sheet, Sheets, draw_sheets
from framethrift.reporting.site import Site

PAGE = "dialogues.html"
TALL = 64  # pixels of a picture on the page
MARKS = 4  # Δ-marks written out; more are counted

System = tuple[str, str]


def write_dialogues(site: Site) -> None:
    """Write dialogues.html and its pictures, dialogues/<benchmark>/<number>-<video>.webp; without recordings it says why."""
    recordings = site.sources.recordings
    groups = []
    for benchmark, systems in recordings.benchmarks().items():
        held = {system: recordings.found[system] for system in systems if system in recordings.found}
        videos = _by_video(held)
        sheets = draw_sheets(site, benchmark, _moments(videos), f"dialogues/{benchmark}")
        groups.append(
            {
                "title": site.sources.title(benchmark),
                "systems": [_system(site, system) for system in systems],
                "videos": [_video(site, video, talks, sheets) for video, talks in videos.items()],
            }
        )
    site.write(PAGE, "dialogues.html.j2", groups=groups)


def _by_video(held: dict[System, Recording]) -> dict[str, dict[System, RecordedVideo]]:
    found: dict[str, dict[System, RecordedVideo]] = {}
    for system, recording in held.items():
        for video in recording.videos:
            found.setdefault(video.video_id, {})[system] = video
    return found


def _moments(videos: dict[str, dict[System, RecordedVideo]]) -> dict[str, Counter[float]]:
    """Per video the moments shown whole."""
    found = {
        name: Counter(item.time for video in talks.values() for item in video.shown if item.kind == "I")
        for name, talks in videos.items()
    }
    return {name: moments for name, moments in found.items() if moments}


def _system(site: Site, system: System) -> dict[str, Any]:
    """What the page says of a system: who it is, what a first and a later turn took, or why there is nothing."""
    recordings = site.sources.recordings
    told: dict[str, Any] = {
        **_named(site, system),
        "missing": recordings.missing(system),
        "file": recordings.files[system].relative_to(site.sources.layout.root).as_posix(),
        "link": site.folder.source(recordings.files[system], PAGE),
    }
    recording = recordings.found.get(system)
    if recording is None:
        return told
    turns = [video.turns for video in recording.videos]
    later = [turn for own in turns for turn in own[1:]]
    machine = recording.machine
    device = machine.get("device", "cpu")
    return told | {
        "right": sum(turn.score == 1 for own in turns for turn in own),
        "asked": sum(map(len, turns)),
        "first": median(1000 * own[0].ttft_s for own in turns),
        "later": median(1000 * turn.ttft_s for turn in later) if later else None,
        "machine": f"{machine.get('cpu', device) if device == 'cpu' else device}, {machine.get('threads', '?')} thread(s)",
    }


def _named(site: Site, system: System) -> dict[str, str]:
    study = site.sources.study
    return {"model": variant_label(study, system[0]), "shown": row_label(study, system)}


def _video(site: Site, name: str, talks: dict[System, RecordedVideo], sheets: Sheets) -> dict[str, Any]:
    seconds = site.sources.facts.duration.get(name)
    questions: dict[str, RecordedTurn] = {}
    for video in talks.values():
        for turn in video.turns:
            questions.setdefault(turn.question_id, turn)
    own = {system: {turn.question_id: turn for turn in video.turns} for system, video in talks.items()}
    return {
        "id": name,
        "length": "" if seconds is None else f"{seconds:.2f} s",
        "missing": sheets.missing.get(name, ""),
        "strips": [
            {
                **_named(site, system),
                "visual_tokens": video.visual_tokens,
                "frames": list(_frames(video.shown, sheets.drawn.get(name))),
            }
            for system, video in talks.items()
        ],
        "turns": [
            {"number": number, "turn": turn, "answers": [_answer(asked.get(question)) for asked in own.values()]}
            for number, (question, turn) in enumerate(questions.items(), 1)
        ],
    }


def _frames(shown: list[Item], sheet: Sheet | None) -> Iterator[dict[str, Any]]:
    """A picture per I-frame and one mark per run of P-frames, in the order shown."""
    for kind, run in groupby(shown, key=lambda item: item.kind):
        items = list(run)
        if kind == "I":
            yield from ({"label": f"frame at {item.time:.2f} seconds", **_picture(item.time, sheet)} for item in items)
            continue
        first, last = f"{items[0].time:.2f}", f"{items[-1].time:.2f}"
        yield {
            "label": f"{len(items)} P-frames as Δ-tokens, {first} to {last} seconds",
            "time": first if len(items) == 1 else f"{first}–{last}",
            "delta": "Δ " * len(items) if len(items) <= MARKS else f"Δ × {len(items)}",
        }


def _picture(time: float, sheet: Sheet | None) -> dict[str, Any]:
    """Where a moment lies on its video's sheet, as a style; empty where it was not drawn."""
    told = {"time": f"{time:.2f}", "delta": "", "style": ""}
    if sheet is None or time not in sheet.times:
        return told
    scale, at = TALL / sheet.height, sheet.times.index(time)
    width, height = sheet.width * scale, sheet.height * scale
    line, column = divmod(at, sheet.across)
    return told | {
        "style": f"width: {width:.1f}px; height: {height:.1f}px; background-image: url('{sheet.file}'); "
        f"background-size: {width * min(sheet.across, len(sheet.times)):.1f}px auto; "
        f"background-position: {-width * column:.1f}px {-height * line:.1f}px"
    }


def _answer(turn: RecordedTurn | None) -> dict[str, Any] | None:
    """What a system said in a turn; None where it was not asked."""
    if turn is None:
        return None
    look, word = "not-run", "not scored"
    if turn.score is not None:
        look, word = ("reproduced", "right") if turn.score == 1 else ("contradicted", "wrong")
    if turn.parsed is None:
        look, word = "inconclusive", "unparsable"
    return {"turn": turn, "look": look, "word": word, "ttft": 1000 * turn.ttft_s, "seconds": 1000 * turn.seconds}
