"""Other people's clips: odd but decodable ones are accepted, and the identity holds on all of them."""

from pathlib import Path

import numpy as np
import pytest

from framethrift.codec import Recipe, VideoRejected, probe, read_frames, reencode, sample_times
from framethrift.codec.verify import verify

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
