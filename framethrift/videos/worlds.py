"""Renders every video of a procedural world, in as many processes as asked for, with the same bytes for any number of them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framethrift.config.data import SPLITS, MotionWorld, NeedleWorld
from framethrift.config.layout import Layout
from framethrift.files import file_digest
from framethrift.videos import motion_plan, motion_world, needle_plan, needle_world
from framethrift.videos.motion_plan import MotionPlan
from framethrift.videos.needle_plan import NeedlePlan
from framethrift.videos.parallel import Progress, completed
from framethrift.videos.rendered import RenderedVideo
from framethrift.videos.source import write_source

World = MotionWorld | NeedleWorld
Plan = MotionPlan | NeedlePlan
Rows = list[dict[str, Any]]

# Purposes of the random streams; every stream is seeded by (seed, split, purpose, index).
_PLAN, _VIDEO = 0, 1
_CHUNK = 16


@dataclass(frozen=True)
class Chunk:
    """Consecutive videos of one split that one process renders."""

    world: World
    dataset: str
    split: str
    first: int
    plans: tuple[Plan, ...]
    study_dir: Path


@dataclass(frozen=True)
class ChunkRows:
    """Rows of the video, question and caption tables."""

    videos: Rows
    questions: Rows
    captions: Rows


def build_world(world: World, dataset: str, study_dir: Path, jobs: int, progress: Progress | None) -> ChunkRows:
    """Render all videos of `world` below videos/<dataset>/source and return the rows of the tables, in order of the videos.

    `progress` is called with (videos done, videos in all).
    """
    chunks = list(_chunks(world, dataset, study_dir))
    total = sum(len(chunk.plans) for chunk in chunks)
    results: dict[int, ChunkRows] = {}
    done = 0
    for index, rows in completed(render_chunk, chunks, jobs):
        results[index] = rows
        done += len(rows.videos)
        if progress is not None:
            progress(done, total)
    ordered = [results[index] for index in range(len(chunks))]
    return ChunkRows(
        [row for rows in ordered for row in rows.videos],
        [row for rows in ordered for row in rows.questions],
        [row for rows in ordered for row in rows.captions],
    )


def _chunks(world: World, dataset: str, study_dir: Path) -> Iterator[Chunk]:
    for split in SPLITS:
        plans = plan_world(world, split)
        for first in range(0, len(plans), _CHUNK):
            yield Chunk(world, dataset, split, first, tuple(plans[first : first + _CHUNK]), study_dir)


def plan_world(world: World, split: str) -> Sequence[Plan]:
    """What happens in every video of a split; the same for the same world and split."""
    rng = _rng(world, split, _PLAN, 0)
    count: int = getattr(world.videos, split)
    return motion_plan.plan_split(count, rng) if isinstance(world, MotionWorld) else needle_plan.plan_split(world, count, rng)


def _rng(world: World, split: str, purpose: int, index: int) -> np.random.Generator:
    return np.random.default_rng([world.seed, SPLITS.index(split), purpose, index])


def render_video(world: World, split: str, index: int, plan: Plan) -> RenderedVideo:
    """Frames, questions and captions of video `index` of a split; the same for the same world, split, index and plan."""
    rng = _rng(world, split, _VIDEO, index)
    if isinstance(world, MotionWorld) and isinstance(plan, MotionPlan):
        return motion_world.render(world, plan, rng)
    if isinstance(world, NeedleWorld) and isinstance(plan, NeedlePlan):
        return needle_world.render(world, plan, rng)
    raise TypeError(f"a {type(plan).__name__} is no plan of a {type(world).__name__}")


def render_chunk(chunk: Chunk) -> ChunkRows:
    """Render and write the videos of a chunk; return their rows."""
    rows = ChunkRows([], [], [])
    folder = Layout(chunk.study_dir).videos(chunk.dataset) / "source" / chunk.split
    for offset, plan in enumerate(chunk.plans):
        index = chunk.first + offset
        video = render_video(chunk.world, chunk.split, index, plan)
        video_id = f"{chunk.dataset}-{chunk.split}-{index:05d}"
        path = folder / f"{video_id}.mp4"
        write_source(video.frames, path, video.fps)
        common = {"video_id": video_id, "dataset": chunk.dataset, "split": chunk.split}
        count, height, width = video.frames.shape[:3]
        rows.videos.append(
            common
            | {"path": path.relative_to(chunk.study_dir).as_posix(), "duration": count / video.fps, "fps": video.fps}
            | {"width": width, "height": height, "frames": count, "sha256": file_digest(path)}
        )
        for number, question in enumerate(video.questions):
            rows.questions.append(common | {"question_id": f"{video_id}-{question.type}-{number}"} | asdict(question))
        rows.captions.extend(common | {"time": time, "caption": caption} for time, caption in video.captions)
    return rows
