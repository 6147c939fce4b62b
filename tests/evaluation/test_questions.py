"""Which questions a cell asks, about which files, and what is said of those that are missing."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from framethrift.codec import read_gops
from framethrift.config import Layout
from framethrift.evaluation.questions import NoQuestions, load_asked, next_in_order


@pytest.fixture
def copied(tiny, tmp_path: Path):  # type: ignore[no-untyped-def]
    study, layout = tiny
    for part in ("videos", "codec"):
        shutil.copytree(layout.root / part, tmp_path / part)
    return study, Layout(tmp_path)


def _drop_row(path: Path, video_id: str) -> None:
    table = pq.read_table(path)
    pq.write_table(table.filter([name != video_id for name in table["video_id"].to_pylist()]), path)


def test_questions_of_one_benchmark_in_one_split(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    motion, static = load_asked(study, layout, "mini_motion"), load_asked(study, layout, "mini_static")
    assert (len(motion.present), len(static.present)) == (20, 16)
    assert {q.benchmark for q in motion.questions} == {"mini_motion"}
    assert {q.type for q in motion.questions} == {"direction", "speed", "order"}
    assert [q.question_id for q in motion.questions] == sorted(q.question_id for q in motion.questions)
    assert motion.videos.keys() == static.videos.keys()
    assert not motion.missing and motion.missing_questions == 0


def test_slots_are_those_that_the_codec_reads(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    for benchmark in ("mini_motion", "mini_needle"):
        for video in load_asked(study, layout, benchmark).videos.values():
            slots = video.slots()
            times, valid = slots.times, slots.valid
            for gop in read_gops(video.path, video.window):
                assert np.allclose(times[gop.index][valid[gop.index]], gop.times, atol=1e-6)
                assert np.isnan(times[gop.index][~valid[gop.index]]).all()


def test_every_video_gives_its_primitives_to_exactly_one_other(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    videos = list(load_asked(study, layout, "mini_motion").videos.values())
    donors = next_in_order(videos[::-1])
    ids = sorted(video.video_id for video in videos)
    assert {key: donor.video_id for key, donor in donors.items()} == dict(zip(ids, [*ids[1:], ids[0]], strict=True))
    assert next_in_order(videos[:1]) == {}


def test_a_video_without_a_re_encoded_file_is_missing_and_counted(copied) -> None:  # type: ignore[no-untyped-def]
    study, layout = copied
    gone = sorted(load_asked(study, layout, "mini_motion").videos)[1]
    _drop_row(layout.codec("motion") / "videos.parquet", gone)
    asked = load_asked(study, layout, "mini_motion")
    assert asked.missing == {gone: "not in the codec manifest"}
    assert (asked.missing_questions, len(asked.present), len(asked.questions)) == (5, 15, 20)
    assert gone not in {donor.video_id for donor in asked.donors.values()}


def test_a_benchmark_whose_videos_are_all_missing_stops(copied) -> None:  # type: ignore[no-untyped-def]
    study, layout = copied
    for video_id in load_asked(study, layout, "mini_needle").videos:
        _drop_row(layout.codec("needle") / "videos.parquet", video_id)
    with pytest.raises(NoQuestions, match="all 3 videos are missing"):
        load_asked(study, layout, "mini_needle")


def test_a_deleted_file_is_named_with_what_to_do(copied) -> None:  # type: ignore[no-untyped-def]
    study, layout = copied
    video = next(iter(load_asked(study, layout, "mini_motion").videos.values()))
    video.path.unlink()
    with pytest.raises(FileNotFoundError, match=r"\.mp4: the codec manifest lists it, but it is gone; run the codec step again"):
        load_asked(study, layout, "mini_motion")


def test_what_a_study_cannot_ask_is_an_error(tiny, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    with pytest.raises(NoQuestions, match="'videomme' needs a dataset of kind benchmark with source videomme"):
        load_asked(study, layout, "videomme")
    with pytest.raises(NoQuestions, match="'mini' is not registered"):
        load_asked(study, layout, "mini")
    with pytest.raises(NoQuestions, match="hold no validation question"):
        load_asked(study, layout, "mini_motion", split="validation")
    with pytest.raises(FileNotFoundError, match=r"questions\.parquet does not exist"):
        load_asked(study, Layout(tmp_path), "mini_motion")
