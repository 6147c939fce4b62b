"""Reading GOPs together by threads, and frames one by one: the same as reading in a row."""

import threading

import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan, primitives_digest, write_video

from framethrift.codec import Recipe, VideoRejected, coded_frames, encode_frames, read_gops
from framethrift.codec.source import Source

RECIPE = Recipe(gop=8, window=4)
FIELDS = ("times", "frames", "motion", "residual")


@pytest.fixture
def clip(tmp_path):
    encode_frames(moving_square(48, 64, 50, noise=3), tmp_path / "clip.mp4", RECIPE)
    return tmp_path / "clip.mp4"


def test_primitives_are_the_same_with_any_number_of_threads(clip):
    assert len({primitives_digest(clip, 4, jobs) for jobs in (1, 2, 3, 9)}) == 1


@pytest.mark.parametrize("jobs", [2, 3])
def test_chosen_gops_are_read_together_in_file_order(clip, jobs):
    everything = list(read_gops(clip, 4))
    chosen = list(read_gops(clip, 4, [6, 1, 4, 2], jobs=jobs))
    assert [gop.index for gop in chosen] == [1, 2, 4, 6]
    for gop in chosen:
        assert all(np.array_equal(getattr(gop, field), getattr(everything[gop.index], field)) for field in FIELDS)
    assert list(read_gops(clip, 4, [], jobs=jobs)) == []
    assert len(list(read_gops(clip, {0: [3, 4], 5: [1]}, jobs=jobs))) == 2
    with pytest.raises(ValueError, match="jobs must be at least 1, not 0"):
        next(read_gops(clip, 4, jobs=0))


def test_damage_is_found_by_whichever_thread_meets_it(clip):
    data = bytearray(clip.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = b"\xff" * 200
    clip.write_bytes(data)
    before = av.logging.get_level()
    for _ in range(5):
        with pytest.raises(VideoRejected):
            list(read_gops(clip, 4, jobs=3))
    assert av.logging.get_level() == before


def test_stopping_early_leaves_no_thread_behind(clip):
    before = threading.active_count()
    reading = read_gops(clip, 4, jobs=2)
    next(reading)
    reading.close()
    assert threading.active_count() == before


def test_only_the_chosen_gops_are_decoded(clip, monkeypatch):
    decoded = []
    original = Source.decode
    monkeypatch.setattr(Source, "decode", lambda self, packet: [decoded.append(0) or f for f in original(self, packet)])
    assert len(list(read_gops(clip, 4, [1, 5]))) == 2
    assert len(decoded) == 16


@pytest.mark.parametrize("options", [{}, {"bf": "2"}], ids=["P", "B"])
def test_coded_frames_carry_what_the_stream_says(tmp_path, options):
    path = write_video(tmp_path / "clip.mp4", pan(48, 64, 20, (2, 1)), codec="mpeg4", options=options | {"g": "10"})
    frames = list(coded_frames(path))
    with av.open(str(path)) as container:
        sizes = {packet.pts: packet.size for packet in container.demux(video=0) if packet.size}
    assert [frame.pts for frame in frames] == sorted(sizes)
    assert [frame.bytes for frame in frames] == [sizes[frame.pts] for frame in frames]
    assert [frame.time for frame in frames] == pytest.approx(np.arange(20) / 25)
    # The last frame is one that the decoder holds back; with B-frames FFmpeg would drop its vectors.
    assert [len(frame.vectors) > 0 for frame in frames] == [frame.kind == "P" for frame in frames]
    assert frames[-1].kind == "P"
