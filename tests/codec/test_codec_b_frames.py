import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan, write_video

from framethrift.codec import frame_table, read_gops
from framethrift.codec.verify import verify

X264 = "b-adapt=0:scenecut=0:weightp=0:"
STREAMS = {
    "mpeg4": ("mpeg4", {"bf": "2", "g": "9", "mpv_flags": "+strict_gop", "q:v": "3"}),
    "h264": ("libx264", {"bf": "2", "g": "9", "crf": "18", "x264-params": X264 + "b-pyramid=none:ref=1"}),
    "pyramid": ("libx264", {"bf": "3", "g": "9", "crf": "18", "x264-params": X264 + "b-pyramid=normal"}),
    "open": ("libx264", {"bf": "2", "g": "9", "crf": "18", "x264-params": X264 + "b-pyramid=none:ref=1:open-gop=1"}),
}


def make(folder, name, frames, suffix=".mp4"):
    codec, options = STREAMS[name]
    return write_video(folder / f"{name}{suffix}", frames, codec=codec, options=options)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_identity_holds_and_motion_is_worth_something(tmp_path, name, suffix):
    path = make(tmp_path, name, pan(112, 128, 22, (2, 1)), suffix)
    assert frame_table(path).types.count("B") > 8
    for window, gain in ((1, 0.3), (2, 0.4), (3, 0.3), (4, 0.3), (7, 0.1)):
        result = verify(path, window, b_frames=True)
        assert result.mismatching_pixels == 0
        assert result.windows > 0
        assert result.gain > gain, window


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


def coded_frames(path):
    """Per frame of the first GOP: type, and {cell: (future, (x, y))} in quarter pixels."""
    frames = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"flags2": "+export_mvs"}
        stream.codec_context.thread_type = "NONE"
        for frame in container.decode(stream):
            if frame.key_frame and frames:
                return frames
            cells = {}
            side = frame.side_data.get("MOTION_VECTORS") or ()
            for vector in sorted(side, key=lambda vector: -vector.source):
                for y in range((vector.dst_y - vector.h // 2) // 8, (vector.dst_y + vector.h // 2) // 8):
                    for x in range((vector.dst_x - vector.w // 2) // 8, (vector.dst_x + vector.w // 2) // 8):
                        moved = vector.motion_x * 4 // vector.motion_scale, vector.motion_y * 4 // vector.motion_scale
                        cells[y, x] = (vector.source > 0, moved)
            frames.append((frame.pict_type.name if hasattr(frame.pict_type, "name") else "?IPB"[frame.pict_type], cells))
    return frames


def nearest(value):
    """Halves to the even number, as the share of a vector is rounded."""
    return int(np.rint(value))


def whole(quarters):
    """Quarter pixels to pixels, halves away from zero."""
    return int(np.sign(quarters)) * ((abs(quarters) + 2) // 4)


def slow_motion(frames, referred, reference, target, height, width):
    """τ of one window, every pixel followed on its own by the rules that ``framethrift.codec.window`` states."""
    out = np.zeros((height, width, 2), int)
    anchors = [number for number, (kind, _) in enumerate(frames) if kind != "B"]

    def past_of(number):
        pool = [n for n in (referred if frames[number][0] == "B" and number not in referred else anchors) if n < number]
        return max(pool)

    def later_of(number):
        pool = [n for n in (anchors if number in referred else referred) if n > number]
        return min(pool, default=None)

    for row in range(height):
        for column in range(width):
            number, dx, dy = target, 0, 0
            while number > reference:
                cell = (row + whole(dy)) // 8, (column + whole(dx)) // 8
                past, later = past_of(number), later_of(number) if frames[number][0] == "B" else None
                inside = number - max(past, reference)
                future, (x, y) = frames[number][1].get(cell, (False, (0, 0)))
                if frames[number][0] == "B" and frames[number][1] is MPEG4_B:
                    _, (x, y) = frames[later][1].get(cell, (False, (0, 0))) if later is not None else (False, (0, 0))
                    share = inside / (later - past) if later is not None else 0
                elif future and later is not None:
                    share, past = 1, later
                elif future:
                    share = -inside / (len(frames) - number)
                else:
                    share = inside / (number - past)
                dx, dy = dx + nearest(x * share), dy + nearest(y * share)
                if not 0 <= column + whole(dx) < width:
                    dx = 4 * (min(max(column + whole(dx), 0), width - 1) - column)
                if not 0 <= row + whole(dy) < height:
                    dy = 4 * (min(max(row + whole(dy), 0), height - 1) - row)
                number = past
            out[row, column] = -whole(dx), -whole(dy)
    return out


MPEG4_B: dict = {}


@pytest.mark.parametrize(
    ("name", "referred"),
    [("mpeg4", {0, 3, 6, 8}), ("h264", {0, 3, 6, 8}), ("pyramid", {0, 2, 4, 6, 8}), ("open", {0, 3, 6})],
)
def test_motion_equals_a_slow_pixel_by_pixel_tracing_to_the_true_references(tmp_path, name, referred):
    path = make(tmp_path, name, pan(42, 58, 20, (1.5, 1)))
    frames = coded_frames(path)
    if name == "mpeg4":
        frames = [(kind, MPEG4_B if kind == "B" else cells) for kind, cells in frames]
    assert {number for number, (kind, _) in enumerate(frames) if kind != "B"} <= referred
    for window in (1, 2, 3, 4, 8):
        gop = next(read_gops(path, window, b_frames=True))
        assert gop.motion.any()
        for slot, motion in enumerate(gop.motion):
            expected = slow_motion(frames, referred, slot * window, (slot + 1) * window, 42, 58)
            assert np.array_equal(motion, expected), (window, slot)
