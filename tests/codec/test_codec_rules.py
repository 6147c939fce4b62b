"""The odd cases of a stream, each by the rule that the docstrings of ``vectors``, ``fusion`` and ``gops`` state."""

import numpy as np
import pytest
from codec_scenes import pan, texture, write_video

from framethrift.codec import coded_frames, frame_table, read_gops
from framethrift.codec.verify import verify


def covered(frame, height, width):
    """Which pixels of a frame have a vector."""
    found = np.zeros((height + 16, width + 16), bool)
    for vector in frame.vectors:
        top, left = int(vector["dst_y"]) - int(vector["h"]) // 2, int(vector["dst_x"]) - int(vector["w"]) // 2
        found[top : top + int(vector["h"]), left : left + int(vector["w"])] = True
    return found[:height, :width]


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_intra_blocks_of_a_p_frame_stand_still_and_their_change_is_residual(tmp_path, codec):
    """A patch that comes from nowhere is coded intra."""
    first = texture(96, 96, 1, cell=12)
    second = np.roll(first, 4, axis=1)
    second[32:64, 32:64] = np.random.default_rng(3).integers(0, 256, (32, 32, 3))
    path = write_video(tmp_path / "clip.mp4", [first, second], codec=codec, options={"bf": "0", "q:v": "2", "crf": "10"})
    _, inter = coded_frames(path)
    intra = ~covered(inter, 96, 96)
    assert inter.kind == "P" and intra[40:56, 40:56].all() and not intra.all()
    gop = next(read_gops(path, 1))
    assert not gop.motion[0][intra].any()
    change = gop.frames[1].astype(int) - gop.frames[0]
    assert np.array_equal(gop.residual[0][intra], change[intra])
    assert (gop.motion[0][~intra] == (4, 0)).all(axis=-1).mean() > 0.8


@pytest.mark.parametrize(("height", "width"), [(45, 61), (16, 17), (33, 50)])
def test_odd_sizes_of_foreign_streams_are_read_whole(tmp_path, height, width):
    path = write_video(tmp_path / "odd.mp4", pan(height, width, 13, (1, 1)), codec="mpeg4", options={"g": "6"})
    gops = list(read_gops(path, 2))
    assert gops[0].frames.shape == (3, height, width, 3)
    assert verify(path, 2).mismatching_pixels == 0


@pytest.mark.parametrize("window", [1, 3, 4, 7, 20])
def test_a_tail_shorter_than_the_window_is_described_by_nothing(tmp_path, window):
    path = write_video(tmp_path / "tail.mp4", pan(32, 48, 22, (1, 0)), codec="mpeg4", options={"g": "8"})
    gops = list(read_gops(path, window))
    assert [len(gop.times) for gop in gops] == [1 + (frames - 1) // window for frames in (8, 8, 6)]
    assert all(gop.times[-1] - gop.times[0] == pytest.approx((len(gop.times) - 1) * window / 25) for gop in gops)
    assert all(len(gop.motion) == len(gop.residual) == len(gop.times) - 1 for gop in gops)


def test_skipped_blocks_keep_still_in_mpeg4_and_follow_their_prediction_in_h264(tmp_path):
    """A pan that H.264 predicts from the neighbours: hardly a bit is spent on its blocks, yet all of them move."""
    world = texture(64, 200, 5, cell=8)
    frames = [world[:, 100 - 2 * k : 164 - 2 * k] for k in range(6)]
    path = write_video(tmp_path / "h264.mp4", frames, options={"bf": "0", "crf": "30", "x264-params": "ref=1:weightp=0"})
    inner = next(read_gops(path, 1)).motion[1:, 16:-16, 24:-8]
    assert (inner == (2, 0)).all(axis=-1).mean() > 0.9
    still = write_video(tmp_path / "mpeg4.mp4", [world[:, :64]] * 6, codec="mpeg4")
    assert frame_table(still).bytes[1:].max() < 60
    assert not next(read_gops(still, 1)).motion.any()
    assert not next(read_gops(still, 5)).motion.any()
