"""Motion energy per frame, and windows of different lengths inside a GOP."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from codec_scenes import moving_square, pan, write_video
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framethrift.codec import Recipe, VideoRejected, encode_frames, read_frames, read_gops, warp
from framethrift.codec.energy import frame_energy, packet_bytes
from framethrift.codec.verify import verify


@pytest.fixture
def clip(tmp_path):
    """20 still frames, then 28 that pan by (2, 1) pixels a frame; GOPs of 24 at 24 frames/s."""
    frames = [next(pan(64, 80, 30, (2, 1)))] * 20 + list(pan(64, 80, 30, (2, 1)))[1:29]
    encode_frames(frames, tmp_path / "clip.mp4", Recipe(fps=24, gop=24, window=6))
    return tmp_path / "clip.mp4"


def test_vector_energy_is_the_mean_length_of_the_motion(clip):
    first, second = frame_energy(clip, "vectors")
    assert len(first) == len(second) == 24
    assert not first[:20].any() and first[0] == second[0] == 0
    assert second[1:] == pytest.approx(np.hypot(2, 1), rel=0.15)
    assert [len(energy) for energy in frame_energy(clip, "vectors", [1])] == [24]
    assert np.array_equal(frame_energy(clip, "vectors", [1, 1])[0], second)


def test_packet_energy_is_the_packets_own_size_without_decoding(clip, monkeypatch):
    monkeypatch.setattr("framethrift.codec.source.Source.decode", lambda *_: pytest.fail("decoded"))
    first, second = frame_energy(clip, "packet_size")
    assert first[0] == second[0] == 0
    assert first[1:20].max() * 10 < second[1:].min()


def test_energy_of_a_codec_without_vectors_needs_packets(tmp_path):
    path = write_video(tmp_path / "clip.mkv", pan(64, 64, 8, (1, 0)), codec="libvpx-vp9")
    with pytest.raises(VideoRejected, match="no motion vectors for vp9; re-encode it first"):
        frame_energy(path, "vectors")
    assert sum(len(energy) for energy in frame_energy(path, "packet_size")) == 8


def test_a_gop_that_is_not_there_is_named(clip):
    with pytest.raises(IndexError, match="GOPs 0 to 1, asked for 1 to 2"):
        frame_energy(clip, "packet_size", [1, 2])


def test_packet_bytes_show_where_something_happens_and_not_where_key_frames_stand(clip):
    spent = packet_bytes(clip, np.arange(8) / 4)
    # Six frames each: three parts of stillness, then motion; the key frame at 1.0 s is no peak.
    assert spent[:3].max() * 10 < spent[4:].min()
    assert spent[4] < 1.5 * np.median(spent[4:])
    assert packet_bytes(clip, np.array([0.0, 1.5])).sum() == pytest.approx(spent.sum())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["mpeg4", "h264"]),
    st.lists(st.lists(st.integers(1, 5), max_size=4), min_size=2, max_size=2),
    st.integers(16, 70),
    st.integers(0, 99),
)
def test_the_identity_holds_for_windows_of_any_lengths(codec, lengths, height, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        recipe = Recipe(codec=codec, fps=25, gop=24, window=4, quantiser=5)
        encode_frames(moving_square(height, 66, 48, seed, noise=seed % 3 * 20), path, recipe)
        windows = {gop: own for gop, own in enumerate(lengths)}
        gops = list(read_gops(path, windows))
        assert [gop.index for gop in gops] == [0, 1]
        for gop, own in zip(gops, lengths, strict=True):
            places = 24 * gop.index + np.cumsum([0, *own])
            assert np.array_equal(gop.frames, read_frames(path, places / 25))
            for slot in range(len(own)):
                assert np.array_equal(warp(gop.frames[slot], gop.motion[slot]) + gop.residual[slot], gop.frames[slot + 1])
        result = verify(path, windows)
        assert (result.windows, result.mismatching_pixels) == (sum(map(len, lengths)), 0)


def test_equal_windows_are_the_fixed_ones(clip):
    fixed = list(read_gops(clip, 6))
    given_lengths = list(read_gops(clip, {0: (6, 6, 6), 1: (6, 6, 6)}))
    for one, other in zip(fixed, given_lengths, strict=True):
        for name in ("times", "frames", "motion", "residual"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    (only,) = read_gops(clip, {1: (10,)})
    assert (only.index, only.times.tolist()) == (1, [1.0, pytest.approx(34 / 24)])


def test_windows_that_do_not_fit_are_named(clip):
    with pytest.raises(ValueError, match="GOP 1 has 24 frames, too few for windows of 24 after its first"):
        list(read_gops(clip, {1: (20, 4)}))
    with pytest.raises(ValueError, match="window must be at least 1, not 0"):
        list(read_gops(clip, {0: (3, 0)}))
    with pytest.raises(KeyError):
        list(read_gops(clip, {0: (3,)}, [0, 1]))
