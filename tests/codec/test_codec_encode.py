import hashlib
import os
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan, texture, write_video

from framethrift.codec import Recipe, encode_frames, frame_table, probe, read_frames, reencode, stream_digest
from framethrift.codec.encoded import recipe_digest
from framethrift.codec.resample import constant_rate


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_same_source_and_recipe_give_the_same_bytes(tmp_path, codec):
    source = write_video(tmp_path / "source.mp4", moving_square(62, 70, 30, noise=8), rate=30)
    recipe = Recipe(codec=codec, fps=24, gop=12, window=4, width=64, height=48)
    runs = [reencode(source, tmp_path / f"{k}.mp4", recipe) for k in range(5)]
    assert len({run.stream_digest for run in runs}) == 1
    assert len({(tmp_path / f"{k}.mp4").read_bytes() for k in range(5)}) == 1
    assert runs[0].stream_digest == stream_digest(tmp_path / "4.mp4")
    assert runs[0].source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    code = (
        "import sys; from framethrift.codec import Recipe, reencode; "
        "print(reencode(sys.argv[1], sys.argv[2], Recipe.model_validate_json(sys.argv[3])).stream_digest)"
    )
    arguments = [sys.executable, "-c", code, str(source), str(tmp_path / "other.mp4"), recipe.model_dump_json()]
    other = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == runs[0].stream_digest


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_many_runs_among_other_memory_give_the_same_bytes(tmp_path, codec):
    frames = list(moving_square(48, 64, 24, noise=8))
    recipe = Recipe(codec=codec, fps=24, gop=12, window=4)
    rng = np.random.default_rng(0)
    digests = set()
    # libx264's macroblock tree was caught reading memory it had not written, in a few of a hundred runs.
    for _ in range(80):
        clutter = rng.bytes(int(rng.integers(1, 400_000)))
        digests.add(encode_frames(frames, tmp_path / "clip.mp4", recipe).stream_digest)
        del clutter
    assert len(digests) == 1


def test_the_manifest_describes_the_file(tmp_path):
    recipe = Recipe(fps=12.5, gop=8, window=2, width=64, height=32)
    encoded = encode_frames(pan(40, 50, 20, (1, 0)), tmp_path / "clip.mp4", recipe)
    facts = probe(tmp_path / "clip.mp4")
    assert (encoded.frames, encoded.fps, encoded.gop, encoded.window) == (20, 12.5, 8, 2)
    assert (encoded.width, encoded.height) == (64, 32) == (facts.width, facts.height)
    assert encoded.duration == pytest.approx(1.6) == facts.duration
    assert facts.fps == 12.5 and facts.frames == 20
    assert encoded.keyframes == [0, 8, 16]
    assert encoded.encoder.startswith("mpeg4 (libavcodec ")
    table = frame_table(tmp_path / "clip.mp4")
    assert "".join(table.types) == "IPPPPPPPIPPPPPPPIPPP"
    assert table.times == pytest.approx(np.arange(20) / 12.5)
    assert np.flatnonzero(table.key).tolist() == encoded.keyframes
    assert (table.bytes > 0).all()
    assert (table.vectors > 0).tolist() == [kind == "P" for kind in table.types]


def test_the_window_does_not_change_the_stream_and_the_rest_of_the_recipe_does(tmp_path):
    recipe = Recipe(gop=8, window=4)
    assert recipe_digest(recipe) == recipe_digest(recipe.model_copy(update={"window": 2}))
    for change in ({"gop": 16}, {"quantiser": 3}, {"codec": "h264"}, {"fps": 25.0}, {"four_vectors": False}):
        assert recipe_digest(recipe) != recipe_digest(recipe.model_copy(update=change))


def test_the_quantiser_is_held(tmp_path):
    frames = list(moving_square(64, 64, 16, noise=10))
    sizes = [
        os.path.getsize(encode_frames(frames, tmp_path / "q.mp4", Recipe(gop=8, window=4, quantiser=q)).path) for q in (1, 4, 16)
    ]
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]


def test_a_gop_longer_than_the_encoder_likes_is_kept(tmp_path):
    encoded = encode_frames(pan(16, 16, 710, (0, 0)), tmp_path / "long.mp4", Recipe(gop=700, window=100))
    assert encoded.keyframes == [0, 700]


@pytest.mark.parametrize(
    ("times", "fps", "expected"),
    [
        ([0, 1, 2, 3], 1, [0, 1, 2, 3]),
        ([0, 1, 2, 3], 2, [0, 0, 1, 1, 2, 2, 3, 3]),
        ([0, 0.5, 1, 1.5, 2, 2.5], 1, [0, 2, 4]),
        ([5, 6, 7], 1, [0, 1, 2]),
        ([0, 1, 4, 5], 1, [0, 1, 1, 2, 2, 3]),
        ([0, 0.03, 0.07, 0.1], 30, [0, 1, 2, 3]),
        ([0, 1, 1, 2], 1, [0, 1, 3]),
        ([3], 1, [0]),
        ([], 1, []),
    ],
    ids=["same", "double", "half", "offset", "gap", "rounded", "twice", "single", "none"],
)
def test_resampling_takes_the_nearest_frame(times, fps, expected):
    timed = [(Fraction(str(time)), number) for number, time in enumerate(times)]
    got = list(constant_rate(timed, Fraction(fps)))
    assert got == expected


def test_variable_frame_rate_becomes_constant(tmp_path):
    shades = [0, 50, 100, 150, 200, 250]
    frames = [np.full((32, 32, 3), shade, np.uint8) for shade in shades]
    pts = [0, 100, 200, 600, 1000, 1100]
    source = write_video(tmp_path / "vfr.mkv", frames, codec="mpeg4", pts=pts, time_base=Fraction(1, 1000))
    encoded = reencode(source, tmp_path / "cfr.mp4", Recipe(fps=10, gop=4, window=2))
    shown = read_frames(tmp_path / "cfr.mp4", np.arange(encoded.frames) / 10)[:, 16, 16, 0]
    expected = [shades[min(range(6), key=lambda k, t=tick: (abs(pts[k] - 100 * t), k))] for tick in range(12)]
    assert np.abs(shown.astype(int) - expected).max() <= 8


def test_avi_frames_come_in_the_order_shown(tmp_path):
    frames = [np.full((32, 32, 3), 8 * k, np.uint8) for k in range(30)]
    source = write_video(tmp_path / "b.avi", frames, options={"bf": "3", "x264-params": "b-adapt=0", "crf": "1"})
    assert reencode(source, tmp_path / "out.mp4", Recipe(fps=25, gop=10, window=5)).frames == 30
    shown = read_frames(tmp_path / "out.mp4", np.arange(30) / 25)[:, 16, 16, 0].astype(int)
    assert np.abs(shown - 8 * np.arange(30)).max() <= 4


def test_odd_sizes_lose_their_last_row_and_column_only(tmp_path):
    picture = texture(33, 47, cell=8)
    encode_frames([picture] * 4, tmp_path / "odd.mp4", Recipe(gop=4, window=2, quantiser=1))
    shown = read_frames(tmp_path / "odd.mp4", [0.0])[0]
    assert shown.shape == (32, 46, 3)
    assert np.abs(shown.astype(int) - picture[:32, :46]).mean() < 12


def test_colours_survive(tmp_path):
    for codec in ("mpeg4", "h264"):
        for colour in [(255, 255, 255), (0, 0, 0), (200, 30, 30), (20, 180, 40), (30, 40, 220)]:
            frame = np.full((32, 32, 3), colour, np.uint8)
            encode_frames([frame] * 2, tmp_path / "c.mp4", Recipe(codec=codec, gop=2, window=1))
            assert np.abs(read_frames(tmp_path / "c.mp4", [0.0])[0].astype(int) - frame).max() <= 4


def test_audio_is_dropped(tmp_path):
    source = write_video(tmp_path / "loud.mp4", pan(32, 32, 10, (1, 0)), audio=True)
    assert probe(source).has_audio
    reencode(source, tmp_path / "silent.mp4", Recipe(fps=25, gop=8, window=4))
    assert not probe(tmp_path / "silent.mp4").has_audio
    with av.open(str(tmp_path / "silent.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_an_error_half_way_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "clip.mp4"
    encode_frames(pan(32, 32, 4, (1, 0)), target, Recipe(gop=4, window=2))
    before = target.read_bytes()

    def breaking():
        yield from pan(32, 32, 4, (1, 0))
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        encode_frames(breaking(), target, Recipe(gop=4, window=2))
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize(
    ("frames", "target", "message"),
    [
        ([], "a.mp4", "no frames to encode"),
        ([np.zeros((32, 32), np.uint8)], "a.mp4", r"uint8 \(H, W, 3\), not uint8 \(32, 32\)"),
        ([np.zeros((32, 32, 3), np.float32)], "a.mp4", "not float32"),
        ([np.zeros((32, 32, 3), np.uint8)], "a.avi", "must end in .mp4"),
    ],
)
def test_bad_arguments_are_named(tmp_path, frames, target, message):
    with pytest.raises(ValueError, match=message):
        encode_frames(frames, tmp_path / target, Recipe())
    assert not list(tmp_path.iterdir())
