import av
import numpy as np
import pytest
from codec_scenes import moving_square, pan
from hypothesis import given, settings
from hypothesis import strategies as st

from framethrift.codec import Recipe, encode_frames, read_gops
from framethrift.codec.fusion import fuse
from framethrift.codec.vectors import paint_vectors, vectors_of


def slow_round(displacement):
    """Quarter pixels to pixels, halves away from zero, in floating point."""
    return (np.sign(displacement) * np.floor(np.abs(displacement) / 4 + 0.5)).astype(int)


def slow_motion(fields):
    """τ from dense per-pixel fields (quarter pixels, oldest first), every pixel followed on its own."""
    height, width, _ = fields[0].shape
    rows, columns = np.mgrid[:height, :width]
    dx, dy = np.zeros((height, width), int), np.zeros((height, width), int)
    for field in reversed(fields):
        y, x = rows + slow_round(dy), columns + slow_round(dx)
        dx, dy = dx + field[y, x, 0], dy + field[y, x, 1]
        x, y = columns + slow_round(dx), rows + slow_round(dy)
        dx = np.where((x < 0) | (x >= width), (np.clip(x, 0, width - 1) - columns) * 4, dx)
        dy = np.where((y < 0) | (y >= height), (np.clip(y, 0, height - 1) - rows) * 4, dy)
    return np.stack([-slow_round(dx), -slow_round(dy)], axis=-1)


def fused_motion(grids, height, width):
    motion = np.empty((height, width, 2), np.int16)
    picture = np.zeros((height, width, 3), np.uint8)
    route = np.arange(len(grids)) - 1
    fuse(np.stack(grids), route, len(grids) - 1, picture, picture, motion, np.empty((height, width, 3), np.int16))
    return motion


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([1, 9, 60, 400]))
def test_fused_motion_equals_a_slow_pixel_by_pixel_tracing(height, width, count, seed, reach):
    rng = np.random.default_rng(seed)
    shape = (-(-height // 8), -(-width // 8), 2)
    grids = [
        rng.integers(-reach, reach + 1, shape).astype(np.int16) * (rng.random(shape[:2]) < 0.8)[..., None] for _ in range(count)
    ]
    dense = [grid.repeat(8, 0).repeat(8, 1)[:height, :width].astype(int) for grid in grids]
    assert np.array_equal(fused_motion([grid.astype(np.int16) for grid in grids], height, width), slow_motion(dense))


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
def test_motion_of_a_real_stream_equals_a_slow_reading_of_its_vectors(tmp_path, codec):
    path = tmp_path / "clip.mp4"
    height, width, window = 58, 74, 5
    encode_frames(
        moving_square(height, width, 20, seed=4, noise=3), path, Recipe(codec=codec, gop=10, window=window, quantiser=4)
    )
    fields = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"flags2": "+export_mvs"}
        for frame in container.decode(stream):
            field = np.zeros((height, width, 2), int)
            for data in frame.side_data:
                if data.type.name == "MOTION_VECTORS":
                    for vector in data:
                        block = np.s_[
                            max(vector.dst_y - vector.h // 2, 0) : max(vector.dst_y + vector.h // 2, 0),
                            max(vector.dst_x - vector.w // 2, 0) : max(vector.dst_x + vector.w // 2, 0),
                        ]
                        field[block] = [vector.motion_x * 4 // vector.motion_scale, vector.motion_y * 4 // vector.motion_scale]
            fields.append(field)
    assert any(field.any() for field in fields)
    for gop in read_gops(path, window):
        for slot, motion in enumerate(gop.motion):
            first = gop.index * 10 + slot * window + 1
            assert np.array_equal(motion, slow_motion(fields[first : first + window]))


@pytest.mark.parametrize("codec", ["mpeg4", "h264"])
@pytest.mark.parametrize("velocity", [(3, 2), (-2, 1), (0, -4), (1.5, 0), (-0.5, -2.5)])
def test_a_known_pan_is_found(tmp_path, codec, velocity):
    window = 4
    encode_frames(pan(96, 112, 16, velocity), tmp_path / "pan.mp4", Recipe(codec=codec, gop=8, window=window))
    expected = [value * window for value in velocity]
    for gop in read_gops(tmp_path / "pan.mp4", window):
        for motion, residual, target, reference in zip(gop.motion, gop.residual, gop.frames[1:], gop.frames, strict=False):
            inside = motion[24:-24, 24:-24].reshape(-1, 2)
            assert (np.abs(inside - expected).max(axis=1) <= 0.5).mean() > 0.97
            difference = np.abs(target.astype(int) - reference).mean()
            assert np.abs(residual[24:-24, 24:-24]).mean() < 0.2 * difference


@pytest.mark.parametrize(("codec", "step"), [("mpeg4", 1 / 2), ("h264", 1 / 4)])
def test_a_zoom_is_found_to_within_the_rounding_of_its_vectors(tmp_path, codec, step):
    size, window, zoom = 128, 4, 1.03
    rng = np.random.default_rng(0)
    waves = rng.uniform(-0.6, 0.6, (40, 2))
    phases = rng.uniform(0, 6, (40, 3))

    def frame(k):
        y, x = (np.mgrid[:size, :size] - size / 2) / zoom**k
        value = sum(np.sin(x[..., None] * wx + y[..., None] * wy + phase) for (wx, wy), phase in zip(waves, phases, strict=True))
        return np.clip(128 + 12 * value, 0, 255).astype(np.uint8)

    encode_frames((frame(k) for k in range(5)), tmp_path / "zoom.mp4", Recipe(codec=codec, gop=8, window=window))
    motion = next(read_gops(tmp_path / "zoom.mp4", window)).motion[0]
    y, x = np.mgrid[:size, :size] - size / 2
    expected = np.stack([x, y], axis=-1) * (1 - zoom**-window)
    inner = np.s_[16:-16, 16:-16]
    error = np.abs(motion - expected)[inner].max(axis=-1)
    # Half a step of rounding per frame, half a pixel at the end, and the motion's change within an 8-pixel cell.
    assert (error <= window * step / 2 + 0.5 + 8 * (1 - zoom**-window)).mean() > 0.95
    assert error.mean() < np.abs(expected[inner]).mean() / 3


def test_half_pixels_add_up_before_they_are_rounded():
    grids = [np.full((2, 2, 2), 6, np.int16) for _ in range(4)]
    assert (fused_motion(grids, 16, 16)[0, 0] == [-6, -6]).all()
    assert (fused_motion(grids[:1], 16, 16)[0, 0] == [-2, -2]).all()
    assert (fused_motion([-grids[0]], 16, 16)[15, 15] == [2, 2]).all()


def test_a_source_outside_the_picture_is_moved_to_its_edge():
    grids = [np.full((2, 2, 2), 40, np.int16)]
    assert (fused_motion(grids, 16, 16)[12, 3] == [-10, -3]).all()


def test_a_still_video_has_no_motion(tmp_path):
    encode_frames(pan(48, 48, 8, (0, 0)), tmp_path / "still.mp4", Recipe(gop=8, window=4))
    assert not next(read_gops(tmp_path / "still.mp4", 4)).motion.any()


def _vector(**fields):
    from framethrift.codec.vectors import VECTOR_DTYPE

    vector = np.zeros(1, VECTOR_DTYPE)
    for name, value in {"source": -1, "w": 16, "h": 16, "dst_x": 8, "dst_y": 8, "motion_scale": 4, **fields}.items():
        vector[name] = value
    return vector


def test_partitions_are_painted_and_the_part_outside_the_picture_is_dropped():
    grid = np.zeros((3, 3, 2), np.int16)
    assert paint_vectors(_vector(w=8, h=16, dst_x=12, dst_y=8, motion_x=5, motion_y=-3), grid)
    assert grid[:2, 1].tolist() == [[5, -3], [5, -3]]
    assert not grid[:, [0, 2]].any() and not grid[2].any()
    assert paint_vectors(_vector(dst_x=24, dst_y=24, motion_x=1, motion_scale=2), grid)
    assert grid[2, 2].tolist() == [2, 0]
    assert not paint_vectors(_vector(), grid)


@pytest.mark.parametrize(("field", "value", "message"), [("source", 1, "future frame"), ("motion_scale", 8, "sub-pixel unit")])
def test_vectors_that_cannot_be_interpreted_are_an_error(field, value, message):
    with pytest.raises(ValueError, match=message):
        paint_vectors(_vector(**{field: value}), np.zeros((2, 2, 2), np.int16))


def test_vectors_are_the_decoders_own(tmp_path):
    encode_frames(pan(32, 48, 4, (1, 1)), tmp_path / "clip.mp4", Recipe(gop=4, window=1))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        container.streams.video[0].codec_context.options = {"flags2": "+export_mvs"}
        intra, inter, *_ = container.decode(video=0)
        assert vectors_of(intra) is None
        theirs = inter.side_data["MOTION_VECTORS"].to_ndarray()
        ours = vectors_of(inter)
        assert ours.dtype == theirs.dtype
        for name in theirs.dtype.names:
            assert np.array_equal(ours[name], theirs[name])
