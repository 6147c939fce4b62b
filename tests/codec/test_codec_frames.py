import numpy as np
import pytest
from codec_scenes import write_video

from framethrift.codec import Recipe, encode_frames, probe, read_frames, sample_times
from framethrift.codec.source import Source


def shaded(count):
    return [np.full((32, 48, 3), 8 * k, np.uint8) for k in range(count)]


@pytest.fixture
def clip(tmp_path):
    encode_frames(shaded(30), tmp_path / "clip.mp4", Recipe(fps=10, gop=6, window=3, quantiser=1))
    return tmp_path / "clip.mp4"


def shown_numbers(path, times):
    return np.rint(read_frames(path, times)[:, 16, 24, 1] / 8).astype(int).tolist()


def test_the_frame_at_or_before_each_time_is_shown_in_the_order_asked(clip):
    assert shown_numbers(clip, [0.0, 0.05, 0.1, 0.19, 2.9, 2.95, 99.0]) == [0, 0, 1, 1, 29, 29, 29]
    assert shown_numbers(clip, [2.0, 0.3, 2.0, -1.0]) == [20, 3, 20, 0]
    assert shown_numbers(clip, np.arange(30) / 10) == list(range(30))


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "3", "x264-params": "b-adapt=0"}], ids=["P", "B"])
def test_foreign_streams_too(tmp_path, options):
    path = write_video(tmp_path / "f.mkv", shaded(30), rate=10, options={**options, "g": "7", "crf": "1"})
    assert shown_numbers(path, [1.35, 0.0, 2.2, 0.6, 0.7]) == [13, 0, 22, 6, 7]


def test_each_stretch_is_decoded_once_and_only_as_far_as_needed(clip, monkeypatch):
    decoded = []
    original = Source.decode

    def counting(self, packet):
        frames = original(self, packet)
        decoded.extend(frames)
        return frames

    monkeypatch.setattr(Source, "decode", counting)
    read_frames(clip, [1.3, 1.25, 1.2, 1.3])
    assert len(decoded) == 2
    decoded.clear()
    read_frames(clip, [0.0, 0.6, 2.4])
    assert len(decoded) == 3


@pytest.mark.parametrize("times", [[], [[0.0]], [float("nan")], [float("inf")]])
def test_times_must_be_a_list_of_seconds(clip, times):
    with pytest.raises(ValueError, match="times must be a non-empty list of seconds"):
        read_frames(clip, times)


def test_candidate_times_lie_within_the_video(clip):
    assert sample_times(clip, 1).tolist() == [0, 1, 2]
    assert sample_times(clip, 2).tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert sample_times(probe(clip), 0.1).tolist() == [0]
    assert len(sample_times(clip, 10)) == 30


def test_too_many_candidates_are_thinned_out_evenly(clip):
    times = sample_times(clip, 10, limit=4)
    assert times.tolist() == pytest.approx([0, 1.0, 1.9, 2.9], abs=0.051)
    assert sample_times(clip, 10, limit=1).tolist() == [0]
    with pytest.raises(ValueError, match="limit must be at least 1"):
        sample_times(clip, 10, limit=0)
    with pytest.raises(ValueError, match="fps must be positive"):
        sample_times(clip, 0)
