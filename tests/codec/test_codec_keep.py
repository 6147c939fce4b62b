import av
import numpy as np
import pandas as pd
import pytest
from codec_scenes import moving_square, pan, texture, write_video

from framethrift.codec import Recipe, VideoRejected, frame_table, probe, read_gops, reencode
from framethrift.codec.build import encode_dataset
from framethrift.codec.keep import KEPT, why_not_kept
from framethrift.codec.verify import verify
from framethrift.files import file_digest

RECIPE = Recipe(fps=25, gop=12, window=3, keep_source=True)
PLAIN = {"bf": "0", "g": "12"}


def cut_scene(count, cut):
    """Two shots, the second from frame ``cut`` on."""
    first, second = texture(64, 80, 1, cell=5), texture(64, 80, 2, cell=9)
    for k in range(count):
        yield np.roll(first if k < cut else second, 2 * k, axis=1)


def packets(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(bytes(p), p.pts * stream.time_base, p.is_keyframe) for p in container.demux(stream) if p.size]


def test_a_stream_that_qualifies_is_copied_packet_by_packet(tmp_path):
    source = write_video(tmp_path / "source.mp4", pan(64, 80, 30, (2, 1)), options=PLAIN, audio=True)
    runs = [reencode(source, tmp_path / f"{k}.mp4", RECIPE) for k in range(2)]
    assert runs[0].encoder == KEPT and not runs[0].b_frames
    assert packets(tmp_path / "0.mp4") == packets(source)
    assert (tmp_path / "0.mp4").read_bytes() == (tmp_path / "1.mp4").read_bytes()
    assert (runs[0].frames, runs[0].keyframes, runs[0].fps, runs[0].duration) == (30, [0, 12, 24], 25.0, 1.2)
    assert not probe(tmp_path / "0.mp4").has_audio
    assert verify(tmp_path / "0.mp4", 3).mismatching_pixels == 0
    for gop, theirs in zip(read_gops(tmp_path / "0.mp4", 3), read_gops(source, 3), strict=True):
        assert np.array_equal(gop.motion, theirs.motion) and np.array_equal(gop.frames, theirs.frames)


def test_a_scene_cut_starts_a_shorter_gop_which_is_kept(tmp_path):
    source = write_video(tmp_path / "source.mkv", cut_scene(30, 7), options=PLAIN | {"keyint_min": "1", "crf": "20"})
    encoded = reencode(source, tmp_path / "out.mp4", RECIPE)
    assert encoded.encoder == KEPT
    assert encoded.keyframes == [0, 7, 19] and encoded.gop == 12
    assert [len(gop.times) for gop in read_gops(tmp_path / "out.mp4", 3)] == [3, 4, 4]
    again = list(read_gops(tmp_path / "out.mp4", 3, [1]))
    assert again[0].times[0] == pytest.approx(7 / 25, abs=1e-3)
    assert verify(tmp_path / "out.mp4", 3).mismatching_pixels == 0


def test_an_i_frame_at_a_scene_cut_within_a_gop_starts_none(tmp_path):
    options = PLAIN | {"keyint_min": "12", "x264-params": "scenecut=40:open-gop=0", "crf": "20"}
    source = write_video(tmp_path / "source.mp4", cut_scene(24, 4), options=options)
    assert reencode(source, tmp_path / "out.mp4", RECIPE).keyframes == [0, 12]
    first = next(read_gops(tmp_path / "out.mp4", 3))
    assert frame_table(source).types[4] == "I"
    # The cut lies between slots 1 and 2: what is new stands for itself, and the change is all in the residual.
    assert np.abs(first.residual[1]).mean() > 3 * np.abs(first.residual[0]).mean()
    assert np.abs(first.residual[1]).mean() > 0.8 * np.abs(first.frames[2].astype(int) - first.frames[1]).mean()
    assert verify(tmp_path / "out.mp4", 3).mismatching_pixels == 0


def test_b_frames_are_kept_only_where_the_recipe_allows_them(tmp_path):
    options = {"bf": "2", "g": "12", "x264-params": "b-adapt=0"}
    source = write_video(tmp_path / "source.mp4", pan(64, 80, 30, (2, 1)), options=options)
    assert why_not_kept(source, RECIPE) == "it holds B-frames (recipe.b_frames allows them)"
    assert reencode(source, tmp_path / "out.mp4", RECIPE).encoder != KEPT
    encoded = reencode(source, tmp_path / "kept.mp4", RECIPE.model_copy(update={"b_frames": True}))
    assert encoded.encoder == KEPT and encoded.b_frames
    assert packets(tmp_path / "kept.mp4") == packets(source)
    with pytest.raises(VideoRejected, match=r"recipe\.b_frames"):
        next(read_gops(tmp_path / "kept.mp4", 3))
    assert verify(tmp_path / "kept.mp4", 3, b_frames=True).mismatching_pixels == 0


@pytest.mark.parametrize(
    ("codec", "options", "change", "why"),
    [
        ("libx264", PLAIN, {"fps": 24}, "not 24 per second"),
        ("libx264", PLAIN, {"width": 64, "height": 64}, "its size is 80x64"),
        ("libx264", {"bf": "0", "g": "15"}, {}, "GOPs have up to 15 frames, the recipe's 12"),
        ("libx265", {"g": "12"}, {}, "hevc exports no motion vectors"),
    ],
)
def test_what_does_not_qualify_is_reencoded(tmp_path, codec, options, change, why):
    source = write_video(tmp_path / "source.mp4", moving_square(64, 80, 30), codec=codec, options=options)
    recipe = RECIPE.model_copy(update=change)
    assert why in why_not_kept(source, recipe)
    encoded = reencode(source, tmp_path / "out.mp4", recipe)
    assert encoded.encoder.startswith("mpeg4 (") and encoded.keyframes[:2] == [0, 12]


def test_a_damaged_source_is_rejected_and_not_kept(tmp_path):
    source = write_video(tmp_path / "source.mp4", moving_square(64, 80, 30, noise=4), options=PLAIN)
    data = bytearray(source.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 300] = b"\xff" * 300
    source.write_bytes(data)
    with pytest.raises(VideoRejected):
        reencode(source, tmp_path / "out.mp4", RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["source.mp4"]


def test_the_codec_stage_keeps_and_resumes(tmp_path):
    folder = tmp_path / "videos" / "toy"
    folder.mkdir(parents=True)
    rows = []
    for name, options in (("kept", PLAIN), ("written", {"bf": "0", "g": "30"})):
        path = write_video(folder / f"{name}.mp4", pan(48, 64, 30, (1, 1)), options=options)
        rows.append({"video_id": name, "dataset": "toy", "split": "train", "path": f"videos/toy/{name}.mp4"})
        rows[-1]["sha256"] = file_digest(path)
    pd.DataFrame(rows).to_parquet(folder / "videos.parquet")
    manifest = pd.read_parquet(encode_dataset(tmp_path, "toy", RECIPE)[0])
    assert (manifest.encoder == KEPT).tolist() == [True, False]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "codec" / "toy").glob("*.mp4")}
    encode_dataset(tmp_path, "toy", RECIPE)
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "codec" / "toy").glob("*.mp4")}
    assert (
        pd.read_parquet(encode_dataset(tmp_path, "toy", RECIPE.model_copy(update={"keep_source": False}))[0]).encoder.nunique()
        == 1
    )
