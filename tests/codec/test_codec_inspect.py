import io

import numpy as np
import pytest
from codec_scenes import moving_square, pan, write_video
from PIL import Image

from framethrift.codec import Recipe, VideoRejected, encode_frames, frame_table, read_gops
from framethrift.codec.drawing import columns_of, motion_colours, motion_reach, patch_means
from framethrift.codec.filmstrip import draw_filmstrip
from framethrift.codec.inspect import default_window, draw_inspection


@pytest.fixture
def clip(tmp_path):
    encode_frames(moving_square(64, 96, 40, noise=3), tmp_path / "clip.mp4", Recipe(fps=25, gop=16, window=4))
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_inspection_is_a_full_picture_and_the_same_each_time(clip, tmp_path, suffix):
    out = tmp_path / f"a{suffix}"
    result = draw_inspection(clip, out, 4)
    assert (result.windows, result.mismatching_pixels) == (7, 0)
    first = out.read_bytes()
    draw_inspection(clip, out, 4)
    assert out.read_bytes() == first
    assert not list(tmp_path.glob(".*"))
    if suffix == ".png":
        picture = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
        assert picture.shape[1] == 1680
        assert picture.std() > 20


@pytest.mark.parametrize(
    ("codec", "options", "cause"),
    [
        ("libx264", {"bf": "2", "x264-params": "b-adapt=0"}, "this h264 stream holds B-frames"),
        ("libvpx-vp9", {}, "FFmpeg gives no motion vectors for vp9"),
    ],
)
def test_a_file_that_cannot_be_read_directly_is_reencoded_and_the_picture_says_so(tmp_path, monkeypatch, codec, options, cause):
    path = write_video(tmp_path / "source.mkv", moving_square(64, 64, 20), codec=codec, options=options)
    said = []
    monkeypatch.setattr("matplotlib.figure.Figure.text", lambda self, x, y, text, **keys: said.append(text))
    draw_inspection(path, tmp_path / "a.png")
    assert f"re-encoded for this picture to mpeg4, GOP 240, quantiser 2: {cause}" in said[0]
    assert "0 wrong pixels" in said[0]


def test_the_encoders_rows_show_where_rest_lands_and_how_much_is_left(clip, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("matplotlib.axes.Axes.set_xlabel", lambda self, text, **keys: said.append(text))
    draw_inspection(clip, tmp_path / "a.png", 4)
    gop = next(iter(read_gops(clip, 4)))
    low, high = int(gop.motion[0].min()), int(gop.motion[0].max())
    assert low <= 0 < high
    assert f"{low} to {high} px; rest is {-2 * low / (high - low) - 1:+.2f}" in said
    assert said.count("4 × 6 patches") == 3


def test_two_frames_are_enough_and_a_long_window_leaves_only_the_i_frame(tmp_path):
    encode_frames(pan(32, 32, 2, (1, 0)), tmp_path / "two.mp4", Recipe(gop=4, window=1))
    assert draw_inspection(tmp_path / "two.mp4", tmp_path / "a.png").windows == 1
    assert draw_inspection(tmp_path / "two.mp4", tmp_path / "b.png", 30).windows == 0


def test_bad_arguments_are_named_before_work_starts(clip, tmp_path):
    with pytest.raises(ValueError, match="window must be at least 1, not 0"):
        draw_inspection(clip, tmp_path / "a.png", 0)
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg or \.pdf"):
        draw_inspection(clip, tmp_path / "a.gif")
    with pytest.raises(VideoRejected, match="missing"):
        draw_inspection(tmp_path / "none.mp4", tmp_path / "a.png")
    with pytest.raises(ValueError, match="max_slots must be at least 1"):
        draw_filmstrip(clip, [tmp_path / "a.svg"], 4, 0)


def test_the_filmstrip_runs_across_gops(clip, tmp_path):
    draw_filmstrip(clip, [tmp_path / "strip.svg", tmp_path / "strip.png"], 4, max_slots=6)
    # Column 1 and 5 are I-frames: 4 windows of 5 pictures, 2 I-frames, and the two legends.
    assert (tmp_path / "strip.svg").read_text().count("<image") == 4 * 5 + 2 + 2
    assert (tmp_path / "strip.png").read_bytes().startswith(b"\x89PNG")


def test_the_window_is_chosen_to_give_about_eight_slots(clip):
    assert default_window(frame_table(clip)) == 2


def test_colours_say_direction_and_length():
    motion = np.array([[[0, 0], [8, 0], [-8, 0], [80, 0]]])
    rest, right, left, far = motion_colours(motion, 8)[0]
    assert rest.tolist() == [1, 1, 1]
    assert right[0] > 0.8 and right[1] == 0
    assert np.abs(right - left).max() > 0.5
    assert far.tolist() == right.tolist()


def test_reach_and_patches(clip):
    gop = next(read_gops(clip, 4))
    columns = columns_of(gop)
    assert [column.slot for column in columns] == [0, 1, 2, 3]
    assert columns[0].motion is None and columns[0].title.startswith("I")
    assert columns[2].title.startswith("P")
    longest = np.hypot(*np.moveaxis(gop.motion.astype(float), -1, 0)).max()
    assert 1 <= motion_reach(columns) <= longest
    assert motion_reach(columns[:1]) == 1
    values = np.zeros((33, 50, 2))
    values[16:32, 32:48] = [3, -5]
    means = patch_means(values)
    assert means.shape == (2, 3, 2)
    assert means[1, 2].tolist() == [3, -5]
    assert not means[0].any()
