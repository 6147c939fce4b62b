"""Builds one dataset of a study: source videos and the four tables that describe them."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framethrift.config.data import Clips, Dataset, MotionWorld, NeedleWorld, Published
from framethrift.config.layout import Layout
from framethrift.config.long_video_qa import LongVideoQA
from framethrift.published.lookup import data_root
from framethrift.videos.benchmarks import ingest_benchmarks
from framethrift.videos.clips import ingest_clips
from framethrift.videos.llava_video import ingest_llava_video
from framethrift.videos.long_video_qa import build_long_video_qa
from framethrift.videos.long_writing import Ask
from framethrift.videos.parallel import Progress
from framethrift.videos.tables import CAPTIONS, LEFT_OUT, QUARANTINE, QUESTIONS, VIDEOS, write_table
from framethrift.videos.worlds import build_world


@dataclass(frozen=True)
class BuiltDataset:
    """Rows of each table of a built dataset."""

    videos: int
    questions: int
    captions: int
    quarantine: int


def build_dataset(
    settings: Dataset,
    name: str,
    study_dir: Path,
    jobs: int = 1,
    progress: Progress | None = None,
    *,
    root: Path | None = None,
    allow_partial: bool = False,
    ask: Ask | None = None,
) -> BuiltDataset:
    """Write videos/<name>/source/... and videos/<name>/{quarantine,captions,questions,videos}.parquet below `study_dir`.

    The result does not depend on `jobs`, the number of processes. `progress` is called with (videos done, videos in all).
    The video table is written last: where it is, the dataset is complete. An earlier build of the same dataset is removed.
    A published benchmark is read from `root` (default: FRAMETHRIFT_DATA, or data/) or the Hugging Face cache, and must be whole
    unless `allow_partial`. `ask` words questions where a dataset's writer is an endpoint.

    Raises NoUsableVideo when not one file of a folder or listing can be used, FileNotFoundError when that is missing,
    AnnotationError for malformed annotations, Shortfall for an incomplete benchmark, TableError when a row breaks the rules of
    its table.
    """
    folder = Layout(study_dir).videos(name)
    VIDEOS.path(folder).unlink(missing_ok=True)
    if (folder / "source").exists():
        shutil.rmtree(folder / "source")
    questions: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    quarantine: list[dict[str, Any]] = []
    if isinstance(settings, MotionWorld | NeedleWorld):
        rows = build_world(settings, name, study_dir, jobs, progress)
        videos, questions, captions = rows.videos, rows.questions, rows.captions
    elif isinstance(settings, Clips):
        admitted = ingest_clips(settings, name, study_dir, jobs, progress)
        videos, quarantine = admitted.videos, admitted.quarantine
    elif isinstance(settings, Published):
        place = data_root(root)
        admitted, questions = ingest_benchmarks(settings, name, study_dir, jobs, progress, place, allow_partial)
        videos, quarantine = admitted.videos, admitted.quarantine
    elif isinstance(settings, LongVideoQA):
        built = build_long_video_qa(settings, name, study_dir, jobs, progress, ask)
        videos, questions, captions, quarantine = built.videos, built.questions, built.captions, built.quarantine
        write_table(LEFT_OUT, built.left_out, folder / "construction")
    else:
        admitted, questions = ingest_llava_video(settings, name, study_dir, jobs, progress)
        videos, quarantine = admitted.videos, admitted.quarantine
    write_table(QUARANTINE, quarantine, folder)
    write_table(CAPTIONS, captions, folder)
    write_table(QUESTIONS, questions, folder)
    write_table(VIDEOS, videos, folder)
    return BuiltDataset(len(videos), len(questions), len(captions), len(quarantine))
