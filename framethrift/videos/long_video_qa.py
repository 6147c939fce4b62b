"""Builds a training set of questions about several events of long videos (MSJoE's LongVideoQA-ALL was not released)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framethrift.codec import VideoRejected
from framethrift.codec.source import open_video
from framethrift.config.layout import Layout
from framethrift.config.long_video_qa import LongVideoQA
from framethrift.files import file_digest
from framethrift.videos.clips import candidates_in
from framethrift.videos.ingest import Candidate, NoUsableVideo, admit_all, hash_share, quarantined, reasons, safe_id
from framethrift.videos.long_events import Event, read_events, usable
from framethrift.videos.long_questions import draft, question_rows
from framethrift.videos.long_splicing import Footage, Spliced, plan_videos, splice
from framethrift.videos.long_writing import Ask, write
from framethrift.videos.parallel import Progress, completed

Row = dict[str, Any]
_DRAFTS, _LETTERS = 10, 11  # random streams beside those of splicing


@dataclass(frozen=True)
class LongVideos:
    """Rows of the tables of a built dataset; `left_out` counts what was not used: (what, reason, count)."""

    videos: list[Row]
    questions: list[Row]
    captions: list[Row]
    quarantine: list[Row]
    left_out: list[Row]


@dataclass(frozen=True)
class _Found:
    """A usable file of the folder: its candidate, its row of the video table, its captioned events."""

    candidate: Candidate
    row: Row
    events: Sequence[Event]


def build_long_video_qa(
    settings: LongVideoQA, dataset: str, study_dir: Path, jobs: int, progress: Progress | None, ask: Ask | None
) -> LongVideos:
    """Videos below videos/<dataset>/source, linked or spliced, and questions about their events.

    Files that are bad, too short or without captions go to quarantine; `ask` is the endpoint of `writer: endpoint`.
    Raises FileNotFoundError for a missing folder or captions file, AnnotationError for malformed captions, NoUsableVideo when
    nothing is left, ValueError when the files do not suffice for splicing or the endpoint is missing.
    """
    if settings.writer == "endpoint" and ask is None:
        raise ValueError(f"datasets.{dataset}.writer: endpoint needs one to ask; none was given")
    told = read_events(Path(settings.captions))
    found, quarantine = _files(settings, dataset, study_dir, jobs, progress, told)
    left_out: Counter[tuple[str, str]] = Counter()
    if settings.splicing is None:
        videos = [one.row for one in found]
        events = {one.row["video_id"]: _usable(settings, one.events, one.row["duration"], left_out) for one in found}
    else:
        videos, events = _spliced(settings, dataset, study_dir, jobs, progress, found, left_out)
    asked = []
    for number, video in enumerate(videos):
        own, rng = events[video["video_id"]], np.random.default_rng([settings.seed, _DRAFTS, number])
        if len(own) < settings.options:
            left_out["video", "too few usable events for a question"] += 1
        elif settings.writer == "endpoint" and ask is not None:
            asked += [(video, one) for one in write(own, settings, ask, left_out)]
        else:
            asked += [(video, one) for one in draft(own, settings.options, settings.questions, rng)]
    if not asked:
        raise NoUsableVideo(f"dataset {dataset!r}: no question can be asked; left out: {_told(left_out)}")
    questions = question_rows(asked, np.random.default_rng([settings.seed, _LETTERS]))
    captions = [
        {key: video[key] for key in ("video_id", "dataset", "split")} | {"time": event.start, "caption": event.caption}
        for video in videos
        for event in events[video["video_id"]]
    ]
    counted = [{"what": what, "reason": reason, "count": count} for (what, reason), count in sorted(left_out.items()) if count]
    return LongVideos(videos, questions, captions, quarantine, counted)


def _told(left_out: Mapping[tuple[str, str], int]) -> str:
    return "; ".join(f"{count} {what}(s): {reason}" for (what, reason), count in sorted(left_out.items()) if count) or "nothing"


def _usable(
    settings: LongVideoQA, events: Sequence[Event], duration: float, left_out: Counter[tuple[str, str]], **limits: float
) -> list[Event]:
    counted: Counter[str] = Counter()
    kept = usable(events, duration, settings.quality.model_copy(update=limits), counted)
    left_out.update({("event", reason): count for reason, count in counted.items()})
    return kept


def _files(
    settings: LongVideoQA,
    dataset: str,
    study_dir: Path,
    jobs: int,
    progress: Progress | None,
    told: Mapping[str, Sequence[Event]],
) -> tuple[list[_Found], list[Row]]:
    """Usable files of the folder, and the quarantine rows of all others, captioned files that are not there included."""
    folder = Path(settings.folder)

    def split_of(relative: str) -> str:
        return "validation" if hash_share(relative) < settings.validation_share else "train"

    candidates, quarantine = candidates_in(folder, dataset, study_dir, split_of)
    here = {one.video_id for one in candidates} | {row["video_id"] for row in quarantine}
    candidates += [
        Candidate(folder / name, name, safe_id(name), dataset, split_of(name), study_dir)
        for name in sorted(told)
        if safe_id(name) not in here
    ]
    admitted = admit_all(candidates, jobs, progress)
    rows = {row["video_id"]: row for row in admitted.videos}
    quarantine += admitted.quarantine
    found = []
    usable_files = [candidate for candidate in candidates if candidate.video_id in rows]
    broken = _broken(usable_files, jobs) if settings.splicing else {}
    for candidate in usable_files:
        row, name = rows[candidate.video_id], candidate.original.relative_to(folder).as_posix()
        refused = broken.get(candidate.video_id)
        if settings.splicing is None and row["duration"] < settings.shortest_minutes * 60:
            refused = "too_short", f"{row['duration'] / 60:.1f} minutes; shortest_minutes is {settings.shortest_minutes:g}"
        elif settings.splicing is None and name not in told:
            refused = "no_captions", f"{settings.captions} says nothing about it"
        if refused:
            (study_dir / row["path"]).unlink()
            quarantine.append(quarantined(candidate, *refused))
        else:
            found.append(_Found(candidate, row, told.get(name, ())))
    quarantine.sort(key=lambda row: row["path"])
    if not found:
        raise NoUsableVideo(f"folder {settings.folder!r} of dataset {dataset!r} holds no usable video: {reasons(quarantine)}")
    return found, quarantine


def _broken(candidates: Sequence[Candidate], jobs: int) -> dict[str, tuple[str, str]]:
    """Why files cannot be decoded to the end, by video_id: a spliced video must not inherit damage."""
    outcomes = completed(_decoded, [candidate.original for candidate in candidates], jobs)
    return {candidates[index].video_id: why for index, why in outcomes if why}


def _decoded(path: Path) -> tuple[str, str] | None:
    try:
        with open_video(path) as source:
            for _ in source.frames():
                pass
    except VideoRejected as rejected:
        return rejected.reason, rejected.detail
    return None


def _spliced(
    settings: LongVideoQA,
    dataset: str,
    study_dir: Path,
    jobs: int,
    progress: Progress | None,
    found: Sequence[_Found],
    left_out: Counter[tuple[str, str]],
) -> tuple[list[Row], dict[str, list[Event]]]:
    """Rows of the spliced videos, and the events in each."""
    assert settings.splicing is not None
    files: dict[str, list[Footage]] = {}
    for one in found:
        duration = one.row["duration"]
        events = _usable(settings, one.events, duration, left_out, longest_share=1.0)
        files.setdefault(one.row["split"], []).append(Footage(study_dir / one.row["path"], duration, tuple(events)))
    folder = Layout(study_dir).videos(dataset) / "source"
    planned = plan_videos(files, dataset, folder, settings.splicing, settings.quality, settings.seed)
    for done, _ in enumerate(completed(splice, [(plan, settings.splicing) for _, _, plan in planned], jobs), start=1):
        if progress is not None:
            progress(done, len(planned))
    rows = [_row(settings, dataset, study_dir, *one) for one in planned]
    events_of = {video_id: plan.events(settings.splicing.fps) for _, video_id, plan in planned}
    return rows, events_of


def _row(settings: LongVideoQA, dataset: str, study_dir: Path, split: str, video_id: str, plan: Spliced) -> Row:
    assert settings.splicing is not None
    shown, frames = settings.splicing, plan.frames()
    return {
        "video_id": video_id,
        "dataset": dataset,
        "split": split,
        "path": plan.target.relative_to(study_dir).as_posix(),
        "duration": frames / shown.fps,
        "fps": shown.fps,
        "width": shown.width,
        "height": shown.height,
        "frames": frames,
        "sha256": file_digest(plan.target),
    }
