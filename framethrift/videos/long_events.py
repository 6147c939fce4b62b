"""Captioned events of videos, read from a file, and which of them a question may rest on."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from framethrift.config.long_video_qa import Quality
from framethrift.published.annotations import AnnotationError
from framethrift.videos.llava_video import read_records

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Event:
    """What a caption says of [start, end] seconds of a video."""

    start: float
    end: float
    caption: str

    @property
    def words(self) -> frozenset[str]:
        """The caption's different words, lower case."""
        return frozenset(_WORD.findall(self.caption.casefold()))


def read_events(path: Path) -> dict[str, list[Event]]:
    """Events by video, a path relative to the videos' folder; in the order of the file.

    Raises FileNotFoundError, and AnnotationError naming the entry and the field for one that is malformed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"captions {str(path)!r} is no file")
    found: dict[str, list[Event]] = {}
    for index, record in enumerate(read_records(path)):
        where = f"{path}: entry {index}"
        if not isinstance(record, dict):
            raise AnnotationError(f"{where}: is no mapping")
        missing = [key for key in ("video", "start", "end", "caption") if record.get(key) in (None, "")]
        if missing:
            raise AnnotationError(f"{where}: {missing[0]} is missing; an entry has video, start, end and caption")
        video = PurePosixPath(str(record["video"]))
        if video.is_absolute() or ".." in video.parts:
            raise AnnotationError(f"{where}: video {str(video)!r} must be relative to the folder of the videos")
        start, end = _seconds(record, "start", where), _seconds(record, "end", where)
        if not 0 <= start < end:
            raise AnnotationError(f"{where}: start {start:g} and end {end:g} are no stretch of a video")
        found.setdefault(video.as_posix(), []).append(Event(start, end, " ".join(str(record["caption"]).split())))
    return found


def _seconds(record: dict[str, Any], key: str, where: str) -> float:
    value = record[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise AnnotationError(f"{where}: {key} {value!r} is no number of seconds")
    return float(value)


def usable(events: Sequence[Event], duration: float, quality: Quality, left_out: Counter[str]) -> list[Event]:
    """The events of a video of `duration` seconds that questions may rest on, by time; adds the others' reasons to `left_out`.

    Words and length are looked at first, then which captions are alike (all of them go: none could be told from the other), then
    which events overlap an earlier one (their order would be a matter of opinion).
    """
    kept = []
    for event in sorted(events, key=lambda one: (one.start, one.end, one.caption)):
        reason = _complaint(event, duration, quality)
        if reason:
            left_out[reason] += 1
        else:
            kept.append(event)
    distinct = [one for one in kept if not any(one is not other and alike(one, other, quality.alike) for other in kept)]
    left_out["caption like another's"] += len(kept) - len(distinct)
    separate: list[Event] = []
    for event in distinct:
        if separate and event.start < separate[-1].end:
            left_out["overlaps another event"] += 1
        else:
            separate.append(event)
    return separate


def _complaint(event: Event, duration: float, quality: Quality) -> str | None:
    fewest, most = quality.words
    if event.end > duration:
        return "outside the video"
    if not fewest <= len(event.caption.split()) <= most:
        return "caption too short or too long"
    if event.end - event.start < quality.shortest:
        return "event too short"
    if event.end - event.start > quality.longest_share * duration:
        return "event too long"
    return None


def alike(one: Event, other: Event, share: float) -> bool:
    """Whether two captions share at least this part of their words."""
    return len(one.words & other.words) >= share * len(one.words | other.words)
