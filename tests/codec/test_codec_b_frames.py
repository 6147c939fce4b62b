import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan, write_video

from framethrift.codec import VideoRejected, frame_table, read_gops, read_video
from framethrift.codec.verify import verify

# What the streams are, and the numbers of their GOP's frames that others refer to, for a GOP of 9 frames in display order.
STREAMS = {
    "mpeg4": ("mpeg4", {"bf": "2", "g": "9", "mpv_flags": "+strict_gop", "q:v": "3"}),
    "h264": ("libx264", {"bf": "2", "g": "9", "crf": "18", "x264-params": "b-adapt=0:b-pyramid=none:ref=1:scenecut=0:weightp=0"}),
    "pyramid": ("libx264", {"bf": "3", "g": "9", "crf": "18", "x264-params": "b-adapt=0:b-pyramid=normal:scenecut=0:weightp=0"}),
    "open": ("libx264", {"bf": "2", "g": "9", "crf": "18", "x264-params": "b-adapt=0:b-pyramid=none:open-gop=1:scenecut=0"}),
}


def make(folder, name, frames, suffix=".mp4"):
    codec, options = STREAMS[name]
    return write_video(folder / f"{name}{suffix}", frames, codec=codec, options=options)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_identity_holds_and_motion_is_worth_something(tmp_path, name, suffix):
    path = make(tmp_path, name, pan(64, 80, 40, (1.5, -1)), suffix)
    types = "".join(frame_table(path).types)
    assert types.count("B") > 15
    for window in (1, 2, 3, 4, 7):
        result = verify(path, window, b_frames=True)
        assert result.mismatching_pixels == 0
        assert result.windows > 0
        assert result.gain > 0.5, window


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chosen_gops_equal_the_same_gops_of_a_full_reading(tmp_path, name, suffix):
    path = make(tmp_path, name, moving_square(48, 64, 40, noise=3), suffix)
    everything = list(read_gops(path, 3, b_frames=True))
    assert len(everything) == 5
    for chosen in ([4], [0, 2], [1, 3], range(5)):
        for gop in read_gops(path, 3, list(chosen), b_frames=True):
            for field in ("times", "frames", "motion", "residual"):
                assert np.array_equal(getattr(gop, field), getattr(everything[gop.index], field)), (chosen, field)
