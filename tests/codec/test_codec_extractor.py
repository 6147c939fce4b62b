"""Vectors equal those of the motion-vector-extractor package, count and values, on clips without B-frames.

What version 2.0.0 of the package gives for two small clips is kept in ``golden/`` (one row per vector: frame number, then its ten
columns). Where the package is installed (``pip install --no-deps motion-vector-extractor``; its dependency on opencv-python
collides with the headless build), every clip of the corpus is compared as well.
"""

import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from framethrift.codec import Recipe, VideoRejected, reencode
from framethrift.codec.source import open_video
from framethrift.codec.vectors import vectors_of

FIELDS = ("source", "w", "h", "src_x", "src_y", "dst_x", "dst_y", "motion_x", "motion_y", "motion_scale")
GOLDEN = Path(__file__).with_name("golden")
FOLDER = Path(__file__).parents[2].parent / "shared" / "videos"
CLIPS = sorted(path for path in FOLDER.glob("*") if path.suffix in {".mp4", ".mkv", ".webm", ".mov"})
NOTHING = np.empty((0, len(FIELDS)), np.int64)


def ours(path):
    """Per frame the vectors (n, 10)."""
    with open_video(path, vectors=True) as source:
        found = [vectors_of(frame) for frame in source.frames()]
        return [NOTHING if v is None else np.stack([v[name].astype(np.int64) for name in FIELDS], 1) for v in found]


def theirs(path):
    """The same from the package."""
    capture = importlib.import_module("mvextractor.videocap").VideoCap()
    assert capture.open(str(path))
    found = []
    while (frame := capture.read())[0]:
        found.append(np.asarray(frame[2]).reshape(-1, len(FIELDS)))
    capture.release()
    return found


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_vectors_equal_the_packages_on_the_kept_clips(codec):
    kept = np.load(GOLDEN / f"{codec}.npz")
    found = ours(GOLDEN / f"{codec}.mp4")
    assert len(found) == int(kept["frames"]) == 12
    numbered = np.concatenate([np.insert(vectors, 0, number, axis=1) for number, vectors in enumerate(found)])
    assert np.array_equal(numbered, kept["vectors"])
    assert len(set(map(tuple, numbered[:, 8:10].tolist()))) > 10


@pytest.mark.skipif(importlib.util.find_spec("mvextractor") is None, reason="motion-vector-extractor is not installed")
@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_vectors_equal_the_packages_on_the_corpus(path, codec, tmp_path):
    target = tmp_path / "clip.mp4"
    try:
        reencode(path, target, Recipe(codec=codec, width=320, height=192))
    except VideoRejected:
        assert "corrupted" in path.name
        return
    mine, other = ours(target), theirs(target)
    assert len(mine) == len(other)
    assert all(np.array_equal(one, two) for one, two in zip(mine, other, strict=True))
    assert sum(map(len, mine)) > 0
