"""Videos shorter than one fusion window among those that give frame pairs."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framethrift.codec import encode_frames
from framethrift.config import Layout
from framethrift.config.recipe import Recipe
from framethrift.config.training import DeltaPretraining
from lightning_modules.data import Gops
from lightning_modules.delta_pretraining import FramePairs

RECIPE = Recipe(fps=25, gop=8, window=4, width=64, height=64)
SETTINGS = DeltaPretraining(datasets=["clips"], steps=1, batch_size=6, learning_rate=1e-3)


def gops(folder: Path, *lengths: int) -> Gops:
    rng = np.random.default_rng(0)
    rows = []
    for length in lengths:
        frames = rng.integers(0, 255, (length, 64, 64, 3), dtype=np.uint8)
        encoded = asdict(encode_frames(frames, folder / f"{length}.mp4", RECIPE))
        rows.append(encoded | {"video_id": f"{length} frames", "path": f"{length}.mp4"})
    return Gops(Layout(folder), pd.DataFrame(rows).set_index("video_id"), cached=False)


def test_a_video_without_a_whole_window_gives_no_pair(tmp_path: Path) -> None:
    found = gops(tmp_path, 3, 4, 6)
    assert [found.windows(video, 0) for video in found.rows.index] == [0, 0, 1]
    pairs = FramePairs(found, SETTINGS, 32, 32, seed=0)
    assert {pairs._draw(np.random.default_rng(seed))[0] for seed in range(20)} == {"6 frames"}
    assert len(pairs.batch(0)["motion"]) == 6


def test_nothing_but_such_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none of the 2 train videos is longer than one fusion window of 4 frames: shorten"):
        FramePairs(gops(tmp_path, 1 + 1, 4), SETTINGS, 32, 32, seed=0)
