import json
import os

import pandas as pd
import pyarrow.parquet as pq
import pytest
from codec_scenes import pan, write_video

from framethrift.codec import Recipe, encode_frames
from framethrift.codec.build import NoUsableVideo, encode_dataset
from framethrift.files import file_digest

RECIPE = Recipe(fps=25, gop=8, window=4, width=32, height=32)


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "videos" / "toy"
    (folder / "source").mkdir(parents=True)
    rows = []
    for k, split in enumerate(["train", "train", "validation", "test"]):
        path = folder / "source" / f"v{k}.mp4"
        if k == 2:
            path.write_bytes(b"")
        else:
            write_video(path, pan(40, 48, 12 + k, (k, 1), seed=k))
        rows.append({"video_id": f"v{k}", "dataset": "toy", "split": split, "path": path.relative_to(tmp_path).as_posix()})
        rows[-1] |= {"sha256": file_digest(path), "duration": 0.5, "fps": 25.0, "width": 48, "height": 40, "frames": 12 + k}
    pd.DataFrame(rows).to_parquet(folder / "videos.parquet")
    return tmp_path


def stamps(study):
    return {path.name: path.stat().st_mtime_ns for path in (study / "codec" / "toy").glob("*.mp4")}


@pytest.mark.parametrize("jobs", [1, 2])
def test_good_videos_are_encoded_and_bad_ones_quarantined(study, jobs):
    calls = []
    manifest, quarantine = encode_dataset(study, "toy", RECIPE, jobs, progress=lambda *done: calls.append(done))
    table = pd.read_parquet(manifest)
    assert table.video_id.tolist() == ["v0", "v1", "v3"]
    assert table.split.tolist() == ["train", "train", "test"]
    assert table.frames.tolist() == [12, 13, 15]
    assert table.keyframes.map(list).tolist() == [[0, 8]] * 3
    assert table.path.tolist() == [f"codec/toy/v{k}.mp4" for k in (0, 1, 3)]
    assert all((study / path).is_file() for path in table.path)
    bad = pd.read_parquet(quarantine)
    assert bad[["video_id", "path", "reason"]].values.tolist() == [["v2", "videos/toy/source/v2.mp4", "empty_file"]]
    assert calls == [(k, 4) for k in (1, 2, 3, 4)]
    sidecar = json.loads((study / "codec/toy/v0.json").read_text())
    assert sidecar["stream_digest"] == table.stream_digest[0]


def test_processes_do_not_change_the_result(study):
    first = pq.read_table(encode_dataset(study, "toy", RECIPE, 1)[0])
    for path in (study / "codec" / "toy").iterdir():
        path.unlink()
    assert pq.read_table(encode_dataset(study, "toy", RECIPE, 2)[0]).equals(first)


def test_a_second_run_redoes_only_what_changed(study):
    encode_dataset(study, "toy", RECIPE)
    before = stamps(study)
    encode_dataset(study, "toy", RECIPE.model_copy(update={"window": 2}))
    assert stamps(study) == before
    assert pd.read_parquet(study / "codec/toy/videos.parquet").window.tolist() == [2, 2, 2]

    damaged = study / "codec/toy/v1.mp4"
    data = bytearray(damaged.read_bytes())
    data[200] ^= 1
    damaged.write_bytes(data)
    (study / "codec/toy/v3.json").write_text("{")
    (study / "codec/toy/.v0.1.partial.mp4").touch()
    encode_dataset(study, "toy", RECIPE)
    after = stamps(study)
    assert [name for name in sorted(after) if after[name] != before[name]] == ["v1.mp4", "v3.mp4"]
    assert not list((study / "codec/toy").glob(".*"))

    encode_dataset(study, "toy", RECIPE.model_copy(update={"quantiser": 5}))
    assert all(stamps(study)[name] != after[name] for name in after)


def test_a_source_that_changed_behind_the_table_is_quarantined(study):
    write_video(study / "videos/toy/source/v0.mp4", pan(40, 48, 20, (2, 2)))
    os.unlink(study / "videos/toy/source/v1.mp4")
    _, quarantine = encode_dataset(study, "toy", RECIPE)
    assert pd.read_parquet(quarantine).reason.tolist() == ["digest_mismatch", "missing", "empty_file"]


def test_all_bad_is_one_clear_error(study):
    for path in (study / "videos/toy/source").iterdir():
        path.unlink()
    with pytest.raises(NoUsableVideo, match=r"no usable video among 4 \(4 missing\)"):
        encode_dataset(study, "toy", RECIPE)
    assert len(pd.read_parquet(study / "codec/toy/quarantine.parquet")) == 4
    assert not (study / "codec/toy/videos.parquet").exists()


def test_a_missing_video_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="build the data set 'toy' first"):
        encode_dataset(tmp_path, "toy", RECIPE)


def test_nothing_bad_still_gives_a_typed_quarantine_table(study):
    encode_frames(pan(32, 32, 8, (1, 0)), study / "videos/toy/source/v2.mp4", RECIPE)
    table = pd.read_parquet(study / "videos/toy/videos.parquet")
    table.loc[2, "sha256"] = file_digest(study / "videos/toy/source/v2.mp4")
    table.to_parquet(study / "videos/toy/videos.parquet")
    manifest, quarantine = encode_dataset(study, "toy", RECIPE)
    assert len(pd.read_parquet(manifest)) == 4
    assert pq.read_schema(quarantine).names == ["video_id", "path", "reason", "detail"]
    assert pq.read_table(quarantine).num_rows == 0
