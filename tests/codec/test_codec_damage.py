import contextlib
import os
import pickle
import shutil

import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan, write_video
from PIL import Image

from framethrift.codec import (
    Recipe,
    VideoRejected,
    encode_frames,
    frame_table,
    probe,
    read_frames,
    read_gops,
    reencode,
    stream_digest,
)

RECIPE = Recipe(fps=25, gop=8, window=4)


def reject_reason(action, *arguments):
    with pytest.raises(VideoRejected) as caught:
        action(*arguments)
    assert str(caught.value.path) in str(caught.value)
    assert caught.value.detail
    return caught.value.reason


def read_all(path):
    return list(read_gops(path, 4))


@pytest.fixture
def clip(tmp_path):
    encode_frames(moving_square(64, 80, 40, noise=4), tmp_path / "clip.mp4", RECIPE)
    return tmp_path / "clip.mp4"


def still_image(path):
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path, "PNG")


def sound_only(path):
    write_video(path.with_suffix(".mkv"), pan(32, 32, 4, (1, 0)), audio=True)
    with av.open(str(path.with_suffix(".mkv"))) as both, av.open(str(path), "w") as target:
        sound = both.streams.audio[0]
        copy = target.add_stream_from_template(sound)
        for packet in both.demux(sound):
            if packet.size:
                packet.stream = copy
                target.mux(packet)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "missing"),
        (lambda path: path.mkdir(), "missing"),
        (lambda path: path.touch(), "empty_file"),
        (lambda path: path.write_text("This is not a video.\n" * 50), "unreadable"),
        (lambda path: path.write_bytes(np.random.default_rng(0).bytes(20000)), "unreadable"),
        (sound_only, "no_video_stream"),
        (still_image, "one_frame"),
        (lambda path: write_video(path, pan(32, 32, 1, (0, 0))), "one_frame"),
    ],
    ids=["missing", "folder", "empty", "text", "noise", "sound", "picture named mp4", "one frame"],
)
def test_unusable_files_are_rejected_with_their_reason(tmp_path, make, reason):
    path = tmp_path / "bad.mp4"
    make(path)
    assert reject_reason(probe, path) == reason
    assert reject_reason(reencode, path, tmp_path / "out.mp4", RECIPE) == reason
    assert not (tmp_path / "out.mp4").exists()
    assert not list(tmp_path.glob(".*partial*"))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_rejected(tmp_path, suffix, share):
    whole = write_video(tmp_path / f"whole{suffix}", moving_square(64, 64, 100, noise=5), codec="mpeg4")
    path = tmp_path / f"part{suffix}"
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * share)])
    # Matroska does not tell where it should have ended when the cut hits a frame.
    reasons = ("truncated", "corrupt") if suffix == ".mkv" else ("truncated",)
    assert reject_reason(reencode, path, tmp_path / "out.mp4", RECIPE) in reasons
    assert reject_reason(read_all, path) in reasons


def test_an_mp4_cut_within_its_index_is_truncated(clip, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:-100])
    assert reject_reason(probe, tmp_path / "cut.mp4") == "truncated"


def test_a_truncated_streaming_mp4_is_rejected(tmp_path):
    path = tmp_path / "clip.mp4"
    frames = list(moving_square(64, 64, 60, noise=5))
    with av.open(str(path), "w", container_options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=25, width=64, height=64)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    assert len(read_all(path)) == 5
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert reject_reason(read_all, path) == "truncated"
    assert reject_reason(probe, path) == "truncated"


def test_a_rightly_encoded_file_with_a_wrong_name_is_accepted(clip, tmp_path):
    shutil.copy(clip, tmp_path / "clip.avi")
    assert probe(tmp_path / "clip.avi").frames == 40
    assert reencode(tmp_path / "clip.avi", tmp_path / "out.mp4", RECIPE).frames == 40


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_flipped_bits_never_pass_with_a_wrong_frame_count_and_always_change_the_digest(tmp_path, codec):
    recipe = Recipe(codec=codec, fps=25, gop=8, window=4, quantiser=8)
    whole = tmp_path / "whole.mp4"
    encoded = encode_frames(moving_square(64, 80, 40, noise=4), whole, recipe)
    good = whole.read_bytes()
    frames_end = good.rindex(b"moov") - 4
    frames_start = good.index(b"mdat") + 4
    rng = np.random.default_rng(1)
    rejected = 0
    trials = 60
    for trial in range(trials):
        bad = bytearray(good)
        for position in rng.integers(frames_start, frames_end, 1 + trial % 20):
            bad[position] ^= 1 << rng.integers(8)
        path = tmp_path / "bad.mp4"
        path.write_bytes(bad)
        with contextlib.suppress(VideoRejected):
            assert stream_digest(path) != encoded.stream_digest
        try:
            gops = read_all(path)
        except VideoRejected as error:
            assert error.reason in ("corrupt", "truncated", "b_frames", "size_changes")
            rejected += 1
        else:
            assert [len(gop.times) for gop in gops] == [2] * 5
    # A flipped bit may also give another, wholly legal stream; only the digest finds those.
    assert rejected > 0.8 * trials


def test_random_corruption_of_the_whole_file_neither_crashes_nor_hangs(clip, tmp_path):
    good = clip.read_bytes()
    rng = np.random.default_rng(2)
    for trial in range(100):
        bad = bytearray(good)
        start = int(rng.integers(len(bad)))
        kind = trial % 3
        if kind == 0:
            bad[start : start + int(rng.integers(1, 400))] = rng.bytes(int(rng.integers(1, 400)))
        elif kind == 1:
            del bad[start : start + int(rng.integers(1, 2000))]
        else:
            for position in rng.integers(0, len(bad), 30):
                bad[position] = rng.integers(256)
        path = tmp_path / "bad.mp4"
        path.write_bytes(bad)
        for action in (probe, read_all, frame_table, lambda file: reencode(file, tmp_path / "out.mp4", RECIPE)):
            try:
                action(path)
            except VideoRejected as error:
                assert error.reason
    assert not list(tmp_path.glob(".*partial*"))


def test_tags_that_are_no_text_do_not_stop_the_reader(tmp_path):
    path = write_video(tmp_path / "tag.mp4", pan(32, 32, 6, (1, 0)), codec="mpeg4")
    data = path.read_bytes()
    place = data.rindex(b"Lavf")
    path.write_bytes(data[:place] + b"\xff\x9b\xfe\x80" + data[place + 4 :])
    assert len(frame_table(path).types) == 6


def test_a_matroska_file_that_would_be_passed_over_is_rejected(tmp_path):
    # Written to a pipe, it declares neither duration nor index: only the size of the passed-over element tells.
    path = tmp_path / "live.webm"
    options = {"live": "1"}
    with av.open(str(path), "w", format="webm", container_options=options) as container:
        stream = container.add_stream("libvpx-vp9", rate=25, width=64, height=64)
        for frame in moving_square(64, 64, 60, noise=5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    good = path.read_bytes()
    count = len(frame_table(path).types)
    rng = np.random.default_rng(5)
    for start in range(len(good) // 10, len(good) - 3000, len(good) // 40):
        path.write_bytes(good[:start] + rng.bytes(400) + good[start + 400 :])
        try:
            assert len(frame_table(path).types) == count
        except VideoRejected as error:
            assert error.reason in ("corrupt", "truncated")


def test_frames_at_damaged_times_are_not_made_up(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = b"\0" * 300
    (tmp_path / "bad.mp4").write_bytes(data)
    assert reject_reason(read_frames, tmp_path / "bad.mp4", np.arange(0, 1.6, 0.04)) == "corrupt"


def test_backward_timestamps_are_rejected(tmp_path):
    from fractions import Fraction

    from framethrift.codec.resample import BrokenClock, constant_rate

    with pytest.raises(BrokenClock, match=r"1\.000 s to 0\.500 s"):
        list(constant_rate([(Fraction(0), 0), (Fraction(1), 1), (Fraction(1, 2), 2)], Fraction(25)))
    path = write_video(
        tmp_path / "gap.mkv", pan(32, 32, 4, (1, 0)), codec="mpeg4", pts=[0, 40, 80, 10**7], time_base=Fraction(1, 1000)
    )
    assert reject_reason(reencode, path, tmp_path / "out.mp4", RECIPE) == "timestamps"


def test_codecs_without_vectors_are_refused_and_told_to_be_reencoded(tmp_path):
    for codec, name in (("libx265", "hevc"), ("libvpx-vp9", "vp9"), ("libsvtav1", "av1")):
        path = write_video(tmp_path / f"{name}.mkv", pan(64, 64, 8, (1, 0)), codec=codec)
        with pytest.raises(VideoRejected, match=f"no motion vectors for {name}; re-encode it first"):
            read_all(path)
        assert reencode(path, tmp_path / "out.mp4", RECIPE).frames == 8
        assert len(read_all(tmp_path / "out.mp4")) == 1


def test_b_frames_are_refused_and_the_message_names_the_way_out(tmp_path):
    path = write_video(tmp_path / "b.mp4", moving_square(64, 64, 20), options={"bf": "2", "x264-params": "b-adapt=0"})
    assert "B" in frame_table(path).types
    with pytest.raises(VideoRejected, match=r"allow them \(recipe\.b_frames, .* or re-encode it first") as caught:
        read_all(path)
    assert caught.value.reason == "b_frames"
    reencode(path, tmp_path / "out.mp4", RECIPE)
    assert set(frame_table(tmp_path / "out.mp4").types) == {"I", "P"}


def test_the_error_survives_a_process_boundary():
    error = pickle.loads(pickle.dumps(VideoRejected("a/b.mp4", "corrupt", "why")))
    assert (os.fspath(error.path), error.reason, error.detail) == ("a/b.mp4", "corrupt", "why")
    assert str(error) == "a/b.mp4: corrupt: why"
