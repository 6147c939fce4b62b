"""The same primitives, whoever reads them and how often."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from codec_scenes import digests, moving_square

from framethrift.codec import Recipe, encode_frames
from framethrift.codec.energy import frame_energy


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_digests_agree_over_five_runs_and_in_one_and_two_processes(tmp_path, codec):
    path = tmp_path / "clip.mp4"
    encode_frames(moving_square(70, 90, 60, seed=2, noise=6), path, Recipe(codec=codec, fps=25, gop=12, window=4))
    windows = {gop: (3, 5, 2) for gop in range(5)}
    for window in (4, windows):
        first = digests((path, window, None))
        assert len(set(first.values())) == 5
        for _ in range(4):
            assert digests((path, window, None)) == first
        for processes in (1, 2):
            parts = [(path, window, list(range(start, 5, processes))) for start in range(processes)]
            with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
                shared = list(pool.map(digests, parts))
            assert {number: digest for part in shared for number, digest in part.items()} == first
    energies = [np.concatenate(frame_energy(path, "vectors")).tobytes() for _ in range(5)]
    assert len(set(energies)) == 1
