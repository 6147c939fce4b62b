"""Takes a folder of anybody's video files into a study, without questions; every file is used or reported with a reason."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from framethrift.config.data import Clips
from framethrift.videos.ingest import (
    Admitted,
    Candidate,
    NoUsableVideo,
    admit_all,
    hash_share,
    printable,
    quarantined,
    reasons,
    safe_id,
)
from framethrift.videos.parallel import Progress

# FFmpeg takes some of these for one-frame videos or animated text: they are reported, not decoded.
_NOT_VIDEOS = re.compile(
    r"\.(aac|ass|bmp|csv|ds_store|flac|gz|html|ini|jpe?g|jsonl?|log|m4a|md|mp3|np[yz]|ogg|parquet|pdf|png|py|rst|sh|srt|tar"
    r"|tiff?|toml|tsv|txt|vtt|wav|webp|xml|ya?ml|zip)",
    re.IGNORECASE,
)


def ingest_clips(settings: Clips, dataset: str, study_dir: Path, jobs: int, progress: Progress | None) -> Admitted:
    """Link every usable video of the folder below videos/<dataset>/source; files of all names, recursively, in sorted order.

    Raises FileNotFoundError when the folder does not exist, and NoUsableVideo when it holds no usable video.
    """

    def split_of(relative: str) -> str:
        return "test" if hash_share(relative) < settings.test_share else "train"

    candidates, ignored = candidates_in(Path(settings.folder), dataset, study_dir, split_of)
    if not candidates and not ignored:
        raise NoUsableVideo(
            f"folder {settings.folder!r} of dataset {dataset!r} holds no files; give the folder that holds the clips"
        )
    admitted = admit_all(candidates, jobs, progress)
    quarantine = sorted(ignored + admitted.quarantine, key=lambda row: row["path"])
    if not admitted.videos:
        raise NoUsableVideo(f"folder {settings.folder!r} of dataset {dataset!r} holds no usable video: {reasons(quarantine)}")
    return Admitted(admitted.videos, quarantine)


def candidates_in(
    folder: Path, dataset: str, study_dir: Path, split_of: Callable[[str], str]
) -> tuple[list[Candidate], list[dict[str, Any]]]:
    """Files below `folder` that may be videos, in sorted order, and the quarantine rows of those that are none.

    Raises FileNotFoundError when the folder does not exist.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"folder {str(folder)!r} of dataset {dataset!r} is no folder; give the folder that holds the videos"
        )
    candidates, ignored = [], []
    for relative in sorted(_files(folder), key=os.fsencode):
        split = split_of(relative)
        candidate = Candidate(folder / relative, printable(relative), safe_id(relative), dataset, split, study_dir)
        suffix = candidate.original.suffix or candidate.original.name
        if candidate.original.is_dir():
            ignored.append(quarantined(candidate, "linked_folder", "links to folders are not followed"))
        elif _NOT_VIDEOS.fullmatch(suffix):
            ignored.append(quarantined(candidate, "not_a_video", f"files named {suffix} are not taken for videos"))
        else:
            candidates.append(candidate)
    return candidates, ignored


def _files(folder: Path) -> Iterator[str]:
    """Paths relative to `folder` of everything that is not a folder, and of links to folders."""

    def stop(error: OSError) -> None:
        raise error

    for parent, folders, files in os.walk(folder, onerror=stop):
        linked = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in files + linked:
            yield os.path.relpath(os.path.join(parent, name), folder)
