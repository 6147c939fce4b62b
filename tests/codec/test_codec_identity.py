import tempfile
from pathlib import Path

import numpy as np
import pytest
from codec_scenes import moving_square, pan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framethrift.codec import Recipe, encode_frames, read_frames, read_gops, read_video, warp
from framethrift.codec.verify import verify


@st.composite
def recipes(draw):
    window = draw(st.integers(1, 6))
    return Recipe(
        codec=draw(st.sampled_from(["mpeg4", "h264"])),
        fps=draw(st.sampled_from([1, 12.5, 25, 29.97])),
        gop=window * draw(st.integers(1, 4)) if window > 1 else draw(st.integers(2, 9)),
        window=window,
        quantiser=draw(st.sampled_from([1, 5, 31])),
        four_vectors=draw(st.booleans()),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipe=recipes(), height=st.integers(16, 75), width=st.integers(16, 75), count=st.integers(2, 20), seed=st.integers(0, 99))
def test_warped_reference_plus_residual_is_the_plainly_decoded_target(recipe, height, width, count, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        encoded = encode_frames(moving_square(height, width, count, seed, noise=seed % 3 * 20), path, recipe)
        assert encoded.frames == count
        assert encoded.keyframes == list(range(0, count, recipe.gop))
        assert (encoded.height, encoded.width) == (height - height % 2, width - width % 2)
        video = read_video(path, recipe.window)
        expected_slots = [1 + (min(recipe.gop, count - first) - 1) // recipe.window for first in encoded.keyframes]
        assert video.valid.sum(axis=1).tolist() == expected_slots
        assert video.times[:, 0] == pytest.approx(np.array(encoded.keyframes) / encoded.fps, abs=1e-4)
        plain = read_frames(path, video.times[video.valid])
        assert np.array_equal(plain, video.frames[video.valid])
        for gop, slots in enumerate(expected_slots):
            for slot in range(1, slots):
                rebuilt = warp(video.frames[gop, slot - 1], video.motion[gop, slot - 1]) + video.residual[gop, slot - 1]
                assert np.array_equal(rebuilt, video.frames[gop, slot])
        assert not video.motion[~video.valid[:, 1:]].any()
        result = verify(path, recipe.window)
        assert result.mismatching_pixels == 0
        assert result.windows == sum(expected_slots) - len(expected_slots)


def test_chosen_gops_equal_the_same_gops_of_a_full_reading(tmp_path):
    encode_frames(pan(48, 64, 50, (2, -1)), tmp_path / "clip.mp4", Recipe(gop=8, window=4))
    everything = list(read_gops(tmp_path / "clip.mp4", 4))
    assert len(everything) == 7
    chosen = list(read_gops(tmp_path / "clip.mp4", 4, gops=[6, 0, 3, 3]))
    assert [gop.index for gop in chosen] == [0, 3, 6]
    for gop in chosen:
        whole = everything[gop.index]
        for name in ("times", "frames", "motion", "residual"):
            assert np.array_equal(getattr(gop, name), getattr(whole, name)), name
    assert list(read_gops(tmp_path / "clip.mp4", 4, gops=[])) == []
    with pytest.raises(IndexError, match="GOPs 0 to 6"):
        list(read_gops(tmp_path / "clip.mp4", 4, gops=[7]))


def test_verify_reports_what_numpy_computes(tmp_path):
    encode_frames(moving_square(50, 60, 20, seed=3, noise=9), tmp_path / "clip.mp4", Recipe(gop=10, window=5))
    video = read_video(tmp_path / "clip.mp4", 5)
    result = verify(tmp_path / "clip.mp4", 5)
    differences = np.diff(video.frames.astype(int), axis=1)
    assert (result.gops, result.windows) == (2, 2)
    assert result.mean_residual == pytest.approx(np.abs(video.residual.astype(int)).mean())
    assert result.mean_difference == pytest.approx(np.abs(differences).mean())
    assert result.gain == pytest.approx(1 - np.abs(video.residual.astype(int)).mean() / np.abs(differences).mean())


def test_verify_counts_pixels_that_do_not_match(tmp_path, monkeypatch):
    encode_frames(pan(32, 32, 8, (1, 0)), tmp_path / "clip.mp4", Recipe(gop=8, window=4))

    def wrong(reference, motion):
        frame = warp(reference, motion).copy()
        frame[0, :5] ^= 1
        return frame

    monkeypatch.setattr("framethrift.codec.verify.warp", wrong)
    assert verify(tmp_path / "clip.mp4", 4).mismatching_pixels == 5


def test_window_below_one_is_refused(tmp_path):
    encode_frames(pan(32, 32, 4, (1, 0)), tmp_path / "clip.mp4", Recipe(gop=4, window=2))
    with pytest.raises(ValueError, match="window must be at least 1, not 0"):
        list(read_gops(tmp_path / "clip.mp4", 0))


def test_warp_refuses_motion_of_another_size():
    with pytest.raises(ValueError, match="does not fit"):
        warp(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 2), np.int16))


def test_warp_follows_equation_one_and_stays_inside_the_picture():
    reference = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    motion = np.zeros((5, 7, 2), np.int16)
    motion[..., 0] = 2
    motion[..., 1] = -1
    moved = warp(reference, motion)
    assert np.array_equal(moved[1, 4], reference[2, 2])
    assert np.array_equal(moved[4, 0], reference[4, 0])
