import os
from pathlib import Path

import numpy as np
import pytest

from framethrift.config.data import Clips
from framethrift.videos import CAPTIONS, QUARANTINE, QUESTIONS, VIDEOS, NoUsableVideo, build_dataset, read_rows
from framethrift.videos.ingest import safe_id
from framethrift.videos.source import write_source

ODD_NAMES = [
    "plain.mp4", "two words.mp4", "-rf.mp4", "it's \"quoted\".mp4", "line\nbreak.mp4", "naïve café.mp4", "映像.mp4",
    ".hidden.mp4", "no_extension", "UPPER.MP4", "dots..in...name.mp4", "percent%20.mp4", "$(touch x).mp4", "x" * 200 + ".mp4",
    "deep/er/plain.mp4",
]  # fmt: skip


def clip(path: Path, seed: int, frames: int = 6) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = np.random.default_rng(seed).integers(0, 255, (frames, 32, 48, 3), dtype=np.uint8)
    made = path.parent / f"made{seed}.mp4"
    write_source(pictures, made, 10.0)
    made.rename(path)
    return path


def build(folder: Path, study: Path, **settings: float) -> tuple[dict[str, dict], dict[str, dict]]:
    build_dataset(Clips(recipe="small", folder=str(folder), **settings), "clips", study)
    tables = study / "videos" / "clips"
    assert read_rows(QUESTIONS, tables) == [] and read_rows(CAPTIONS, tables) == []
    return (
        {row["video_id"]: row for row in read_rows(VIDEOS, tables)},
        {row["path"]: row for row in read_rows(QUARANTINE, tables)},
    )


def test_files_of_any_name_are_taken(tmp_path: Path) -> None:
    folder, study = tmp_path / "my clips", tmp_path / "study"
    originals = {safe_id(name): clip(folder / name, seed) for seed, name in enumerate(ODD_NAMES)}
    raw = os.fsencode(folder) + b"/latin1-\xe9.mp4"
    os.rename(clip(folder / "to_rename.mp4", 99), raw)
    videos, quarantine = build(folder, study)
    assert quarantine == {}
    assert len(videos) == len(ODD_NAMES) + 1
    assert set(originals) <= set(videos)
    for video_id, row in videos.items():
        assert video_id.isascii() and not video_id.startswith("-") and len(video_id) <= 80
        assert set(video_id) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        link = study / row["path"]
        assert link.is_symlink() and link.parent == study / "videos" / "clips" / "source" / row["split"]
        assert (row["frames"], row["width"], row["height"], row["fps"]) == (6, 48, 32, 10.0)
        if video_id in originals:
            assert link.resolve() == originals[video_id].resolve()


def test_ids_are_unique_and_repeatable() -> None:
    names = ["a b.mp4", "a_b.mp4", "a-b.mp4", "a b.mkv", "x/a b.mp4", "é.mp4", "è.mp4"]
    ids = [safe_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert ids == [safe_id(name) for name in names]


def test_splits_follow_the_path_and_the_share(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for seed in range(12):
        clip(folder / f"{seed}.mp4", seed, frames=2)
    splits = {row["split"] for row in build(folder, tmp_path / "a", test_share=0.5)[0].values()}
    assert splits == {"train", "test"}
    assert {row["split"] for row in build(folder, tmp_path / "b", test_share=1.0)[0].values()} == {"test"}
    half, again = (
        {video_id: row["split"] for video_id, row in build(folder, tmp_path / name, test_share=0.5)[0].items()} for name in "ac"
    )
    assert half == again


def test_bad_files_are_quarantined_with_their_reason(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    good = clip(folder / "good.mp4", 1)
    content = good.read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "truncated.mp4").write_bytes(content[: len(content) // 2])
    (folder / "words.mkv").write_text("this is no video\n" * 100)
    (folder / "notes.txt").write_text("frame\n" * 100)
    (folder / "copy.mp4").write_bytes(content)
    (folder / "dangling.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (folder / "elsewhere").symlink_to(tmp_path)
    clip(folder / "single.mp4", 2, frames=1)
    os.mkfifo(folder / "pipe.mp4")
    videos, quarantine = build(folder, tmp_path / "study")
    assert {path: row["reason"] for path, row in quarantine.items()} == {
        "empty.mp4": "empty_file",
        "truncated.mp4": "truncated",
        "words.mkv": "unreadable",
        "notes.txt": "not_a_video",
        "good.mp4": "duplicate",
        "dangling.mp4": "missing",
        "elsewhere": "linked_folder",
        "single.mp4": "one_frame",
        "pipe.mp4": "not_a_file",
    }
    assert all(row["detail"] for row in quarantine.values())
    assert "copy.mp4" in quarantine["good.mp4"]["detail"]
    assert [row["video_id"] for row in videos.values()] == [safe_id("copy.mp4")]
    links = [path for path in (tmp_path / "study" / "videos" / "clips" / "source").rglob("*") if path.is_symlink()]
    assert [path.stem for path in links] == [safe_id("copy.mp4")]


def test_a_folder_of_bad_files_stops_with_one_message(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    with pytest.raises(NoUsableVideo, match="holds no files"):
        build(folder, tmp_path / "study")
    for name in ("a.mp4", "b.mp4"):
        (folder / name).touch()
    (folder / "c.csv").touch()
    with pytest.raises(NoUsableVideo, match=r"no usable video: 2 empty_file \(e.g. a.mp4\); 1 not_a_video \(e.g. c.csv\)"):
        build(folder, tmp_path / "study")
    with pytest.raises(FileNotFoundError, match="absent"):
        build(tmp_path / "absent", tmp_path / "study")
    assert not (tmp_path / "study" / "videos" / "clips" / "videos.parquet").exists()
