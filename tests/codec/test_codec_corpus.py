"""Other people's clips: odd but decodable ones are accepted, and the identity holds on all of them."""

from pathlib import Path

import numpy as np
import pytest

from framethrift.codec import Recipe, VideoRejected, frame_table, probe, read_frames, read_gops, reencode, sample_times
from framethrift.codec.source import open_video
from framethrift.codec.verify import verify
from framethrift.config.sampling import Stream
from framethrift.tokens import TokenCosts, adaptive_slots

FOLDER = Path(__file__).parents[2].parent / "shared" / "videos"
CLIPS = sorted(path for path in FOLDER.glob("*") if path.suffix in {".mp4", ".mkv", ".webm", ".mov"})
BAD = {"decord__corrupted.mp4"}

pytestmark = pytest.mark.skipif(not CLIPS, reason=f"no clips in {FOLDER}")


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_every_clip_is_reencoded_exactly_or_rejected_with_a_reason(path, tmp_path):
    recipe = Recipe(fps=30, gop=240, window=30, width=320, height=192)
    if path.name in BAD:
        with pytest.raises(VideoRejected, match=r"corrupt|truncated"):
            reencode(path, tmp_path / "clip.mp4", recipe)
        return
    facts = probe(path)
    encoded = reencode(path, tmp_path / "clip.mp4", recipe)
    assert abs(encoded.duration - facts.duration) < 0.1 + 1.5 / facts.fps
    result = verify(tmp_path / "clip.mp4", recipe.window)
    assert result.mismatching_pixels == 0
    assert result.windows == sum(-(-min(240, encoded.frames - first) // 30) - 1 for first in encoded.keyframes)
    for energy in ("vectors", "packet_size"):
        facts = encoded.path, encoded.keyframes, encoded.frames, encoded.fps, 30
        slots = adaptive_slots(*facts, Stream(fusion="adaptive", energy=energy), TokenCosts(196, 14, 8, 2))
        adaptive = verify(encoded.path, slots.windows)
        assert (adaptive.windows, adaptive.mismatching_pixels) == (result.windows, 0)


@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.stem)
def test_truncated_clips_never_pass(path, tmp_path):
    cut = tmp_path / path.name
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoRejected) as caught:
        reencode(cut, tmp_path / "out.mp4", Recipe(fps=5, gop=10, window=5, width=64, height=64))
    assert caught.value.reason in {"truncated", "corrupt", "unreadable", "one_frame"}


@pytest.mark.parametrize("name", ["decord__flipping_a_pancake.mkv", "learning-area__rabbit320.mp4", "perception_models__dog.mp4"])
def test_foreign_streams_without_b_frames_are_read_directly(name):
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    result = verify(path, 5)
    assert result.windows > 20
    assert result.mismatching_pixels == 0
    assert result.gain > 0.2


@pytest.mark.parametrize("name", ["mmaction2__demo_spatiotemporal_det.mp4", "Ask-Anything__making_cake.mp4"])
def test_foreign_streams_with_b_frames_are_read_directly_where_allowed(name):
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    with pytest.raises(VideoRejected, match="b_frames"):
        next(read_gops(path, 5))
    result = verify(path, 5, b_frames=True)
    assert result.mismatching_pixels == 0
    assert result.gain > 0.1
    everything = list(read_gops(path, 5, b_frames=True))
    for gop in read_gops(path, 5, [0, len(everything) - 1], b_frames=True, jobs=2):
        assert np.array_equal(gop.motion, everything[gop.index].motion)


def test_rotated_clips_are_shown_upright():
    paths = [FOLDER / f"decord__video_{angle}.mov" for angle in (0, 90, 180, 270)]
    if not all(path.exists() for path in paths):
        pytest.skip("the rotated clips are absent")
    shapes = [read_frames(path, [0.0]).shape[1:3] for path in paths]
    assert shapes == [(320, 568), (568, 320), (320, 568), (568, 320)]
    assert [probe(path).rotation for path in paths] == [0, 270, 180, 90]


@pytest.mark.parametrize("path", [path for path in CLIPS if path.name not in BAD], ids=lambda path: path.stem)
def test_candidate_frames_can_be_read_from_every_clip(path):
    times = sample_times(path, 0.5, limit=3)
    frames = read_frames(path, times)
    assert frames.dtype == np.uint8
    assert len(frames) == len(times)
    assert frames.std() > 1


def shown(path):
    """Frames that a whole decoding gives."""
    return len(frame_table(path).types)


def edited_out(path):
    """Frames that the container itself says are not to be shown: damage may turn one legal edit list into another."""
    with open_video(path) as source:
        return sum(packet.is_discard for packet in source.demux())


def test_two_hundred_random_corruptions_are_found_or_harmless(tmp_path):
    whole = {path: shown(path) for path in CLIPS if path.name not in BAD}
    rng = np.random.default_rng(3)
    rejected = 0
    for trial in range(200):
        path = list(whole)[trial % len(whole)]
        bad = bytearray(path.read_bytes())
        start, kind = int(rng.integers(len(bad))), trial // len(whole) % 4
        if kind == 0:
            bad[start : start + 400] = rng.bytes(400)
        elif kind == 1:
            del bad[start : start + int(rng.integers(1, 5000))]
        elif kind == 2:
            for place in rng.integers(0, len(bad), 30):
                bad[place] = rng.integers(256)
        else:
            bad[start : start + 4000] = bytes(len(bad[start : start + 4000]))
        damaged = tmp_path / path.name
        damaged.write_bytes(bad)
        try:
            found = shown(damaged)
        except VideoRejected as error:
            assert error.reason in {"truncated", "corrupt", "unreadable", "no_video_stream", "one_frame", "timestamps"}
            rejected += 1
        else:
            assert found == whole[path] - edited_out(damaged), (trial, path.name)
        damaged.unlink()
    assert rejected > 180
