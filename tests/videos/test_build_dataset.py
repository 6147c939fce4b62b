from collections import Counter
from hashlib import sha256
from pathlib import Path

import av
import numpy as np
import pytest

from framethrift.codec import probe
from framethrift.config.data import MotionWorld, NeedleWorld, Splits
from framethrift.videos import CAPTIONS, QUARANTINE, QUESTIONS, VIDEOS, build_dataset, read_rows
from framethrift.videos.worlds import plan_world, render_video

SPLITS = Splits(train=20, validation=3, test=4)
WORLDS = {"motion": MotionWorld(recipe="small", videos=SPLITS), "needle": NeedleWorld(recipe="small", videos=SPLITS)}


def files(study: Path) -> dict[str, str]:
    return {str(path.relative_to(study)): sha256(path.read_bytes()).hexdigest() for path in study.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    for name, world in WORLDS.items():
        build_dataset(world, name, folder)
    return folder


def test_the_result_does_not_depend_on_the_number_of_processes(study: Path, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    for name, world in WORLDS.items():
        build_dataset(world, name, tmp_path, jobs=2, progress=lambda done, total: calls.append((done, total)))
    assert files(tmp_path) == files(study)
    assert calls[-1] == (27, 27)
    assert [done for done, _ in calls[: len(calls) // 2]] == sorted(done for done, _ in calls[: len(calls) // 2])


@pytest.mark.parametrize("name", list(WORLDS))
def test_tables_describe_the_files(study: Path, name: str) -> None:
    folder = study / "videos" / name
    videos = read_rows(VIDEOS, folder)
    assert Counter(row["split"] for row in videos) == {"train": 20, "validation": 3, "test": 4}
    for row in videos:
        path = study / row["path"]
        assert path == folder / "source" / row["split"] / f"{row['video_id']}.mp4"
        assert row["sha256"] == sha256(path.read_bytes()).hexdigest()
    facts = probe(study / videos[0]["path"])
    row = videos[0]
    assert (facts.width, facts.height, facts.frames) == (row["width"], row["height"], row["frames"])
    assert (facts.fps, facts.duration) == pytest.approx((row["fps"], row["duration"]))
    assert not facts.has_b_frames
    assert read_rows(QUARANTINE, folder) == []
    known = {row["video_id"]: row for row in videos}
    for table in (QUESTIONS, CAPTIONS):
        rows = read_rows(table, folder)
        assert {row["video_id"] for row in rows} == set(known)
        assert all(row["split"] == known[row["video_id"]]["split"] and row["dataset"] == name for row in rows)
    for row in read_rows(QUESTIONS, folder):
        assert row["benchmark"] in ({"mini_motion", "mini_static"} if name == "motion" else {"mini_needle"})
        assert row["evidence"] and all(0 <= a <= b <= known[row["video_id"]]["duration"] for a, b in row["evidence"])


def test_splits_share_no_video(study: Path) -> None:
    for name in WORLDS:
        digests = [row["sha256"] for row in read_rows(VIDEOS, study / "videos" / name)]
        assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("name", list(WORLDS))
def test_source_videos_hold_what_was_rendered(study: Path, name: str) -> None:
    world = WORLDS[name]
    video = render_video(world, "test", 2, plan_world(world, "test")[2])
    with av.open(str(study / "videos" / name / "source" / "test" / f"{name}-test-00002.mp4")) as container:
        read = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert read.shape == video.frames.shape
    # Brightness survives closely; colour is stored at half resolution.
    assert np.abs(read.mean(axis=3) - video.frames.mean(axis=3)).mean() < 2.5


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    world = MotionWorld(recipe="small", seed=7, videos=Splits(train=2, validation=0, test=0))
    other = world.model_copy(update={"seed": 8})
    assert plan_world(world, "train") != plan_world(other, "train")
    plan = plan_world(world, "train")[0]
    frames, others, again = (render_video(w, "train", 0, plan).frames for w in (world, other, world))
    assert (frames != others).any()
    assert np.array_equal(frames, again)
    assert (frames != render_video(world, "test", 0, plan).frames).any()


def test_a_smaller_rebuild_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    world = MotionWorld(recipe="small", videos=Splits(train=3, validation=0, test=1))
    build_dataset(world, "m", tmp_path)
    built = build_dataset(world.model_copy(update={"videos": Splits(train=1, validation=0, test=0)}), "m", tmp_path)
    assert (built.videos, built.questions, built.quarantine) == (1, 9, 0)
    assert sorted(path.name for path in (tmp_path / "videos" / "m").rglob("*") if path.is_file()) == [
        "captions.parquet", "m-train-00000.mp4", "quarantine.parquet", "questions.parquet", "videos.parquet",
    ]  # fmt: skip


def test_no_processes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs is 0; allowed: 1 or more"):
        build_dataset(WORLDS["motion"], "m", tmp_path, jobs=0)
