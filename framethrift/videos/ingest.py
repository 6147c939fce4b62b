"""Admits existing video files to a dataset: a safe name, a link to the original, facts, or the reason for refusing one."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.codec import VideoRejected, probe
from framethrift.config.layout import Layout
from framethrift.files import file_digest
from framethrift.videos.parallel import Progress, completed
from framethrift.videos.pictures import pictures_in, read_pictures
from framethrift.videos.source import write_source

Row = dict[str, Any]

_LONGEST_NAME = 60
_HASH_LENGTH = 10


class NoUsableVideo(ValueError):
    """Not one video can be used; the message counts the reasons."""


@dataclass(frozen=True)
class Candidate:
    """A file that may become a video of the dataset; `shown` is its path as the user knows it, for messages and tables."""

    original: Path
    shown: str
    video_id: str
    dataset: str
    split: str
    study_dir: Path
    frame_rate: float | None = None  # of a video that is a folder of pictures


@dataclass(frozen=True)
class Admitted:
    """Rows of the video table and of the quarantine table, in the order of the candidates."""

    videos: list[Row]
    quarantine: list[Row]


def path_hash(relative: str) -> str:
    """Hexadecimal SHA-256 of a path's bytes, whatever they are: decides ids and splits."""
    return hashlib.sha256(os.fsencode(relative)).hexdigest()


def hash_share(relative: str) -> float:
    """A number in [0, 1) that depends only on the path: below a share, the file belongs to it."""
    return int(path_hash(relative)[:8], 16) / 16**8


def safe_id(relative: str) -> str:
    """A video_id for any path: ASCII letters, digits, '_' and '-', with a hash of the path that keeps it unique."""
    name = Path(relative).stem
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST_NAME]
    return f"{slug or 'video'}-{path_hash(relative)[:_HASH_LENGTH]}"


def printable(relative: str) -> str:
    """The path as text that any table can hold; bytes that are no UTF-8, and control characters, become escapes."""
    text = os.fsencode(relative).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quarantined(candidate: Candidate, reason: str, detail: str) -> Row:
    """Row of the quarantine table."""
    return {"video_id": candidate.video_id, "path": candidate.shown, "reason": reason, "detail": detail}


def admit_all(candidates: Sequence[Candidate], jobs: int, progress: Progress | None, *, copies: bool = False) -> Admitted:
    """Check and link every candidate, in `jobs` processes.

    A file with the same bytes as an earlier one is refused unless `copies` allows it, as where all are of one split.
    `progress` is called with (files done, files in all).
    """
    outcomes: dict[int, tuple[bool, Row]] = {}
    for index, outcome in completed(admit, candidates, jobs):
        outcomes[index] = outcome
        if progress is not None:
            progress(len(outcomes), len(candidates))
    videos: list[Row] = []
    owners: dict[str, str] = {}
    quarantine = []
    for index, candidate in enumerate(candidates):
        usable, row = outcomes[index]
        if usable and not copies and row["sha256"] in owners:
            _link_of(candidate).unlink()
            # The copies might end up in different splits.
            usable, row = False, quarantined(candidate, "duplicate", f"the file has the same bytes as {owners[row['sha256']]}")
        if usable:
            videos.append(row)
            owners[row["sha256"]] = candidate.shown
        else:
            quarantine.append(row)
    return Admitted(videos, quarantine)


def admit(candidate: Candidate) -> tuple[bool, Row]:
    """Link and probe one file: (True, row of the video table) or (False, row of the quarantine table)."""
    if not candidate.original.exists():
        return False, quarantined(candidate, "missing", "there is no such file, or the link to it is broken")
    link = _link_of(candidate)
    link.parent.mkdir(parents=True, exist_ok=True)
    if candidate.frame_rate is not None and candidate.original.is_dir():
        pictures = pictures_in(candidate.original)
        if not pictures:
            return False, quarantined(candidate, "no_frames", "the folder holds no .jpg, .jpeg or .png")
        try:
            write_source(read_pictures(pictures), link, candidate.frame_rate)
        except (OSError, ValueError) as error:
            return False, quarantined(candidate, "unreadable", f"a frame cannot be read: {error}")
    elif candidate.original.is_file():
        partial = link.with_name(f".{link.name}.partial")
        partial.unlink(missing_ok=True)
        partial.symlink_to(candidate.original.resolve())
        os.replace(partial, link)
    else:
        return False, quarantined(candidate, "not_a_file", "this is neither a file nor a folder (a pipe, socket or device)")
    try:
        # Through the link, so that no decoder meets an odd file name.
        facts = probe(link)
        digest = file_digest(link)
    except VideoRejected as rejected:
        link.unlink()
        return False, quarantined(candidate, rejected.reason, rejected.detail)
    except PermissionError as error:
        link.unlink()
        return False, quarantined(candidate, "no_permission", f"the file may not be read: {error.strerror}")
    turned = facts.rotation in (90, 270)
    return True, {
        "video_id": candidate.video_id,
        "dataset": candidate.dataset,
        "split": candidate.split,
        "path": link.relative_to(candidate.study_dir).as_posix(),
        "duration": facts.duration,
        "fps": facts.fps,
        "width": facts.height if turned else facts.width,
        "height": facts.width if turned else facts.height,
        "frames": facts.frames,
        "sha256": digest,
    }


def reasons(quarantine: Sequence[Row]) -> str:
    """For messages: how often each reason occurs, and the first file of each."""
    first = {row["reason"]: row["path"] for row in reversed(quarantine)}
    counts = Counter(row["reason"] for row in quarantine)
    return "; ".join(f"{count} {reason} (e.g. {first[reason]})" for reason, count in counts.most_common())


def _link_of(candidate: Candidate) -> Path:
    own = ".mp4" if candidate.original.is_dir() else candidate.original.suffix.lower()
    suffix = "".join(c for c in own if c.isascii() and c.isalnum())[:8]
    name = f"{candidate.video_id}.{suffix}" if suffix else candidate.video_id
    return Layout(candidate.study_dir).videos(candidate.dataset) / "source" / candidate.split / name
