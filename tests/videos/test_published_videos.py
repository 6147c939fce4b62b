"""Published benchmarks as datasets of a study: counts, missing and bad videos, folders of pictures, and what a cell is told."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from look_alikes import frames, make, settings

from framethrift.codec import probe, read_frames
from framethrift.codec.build import encode_dataset
from framethrift.config import Layout
from framethrift.config.data import Published
from framethrift.config.digest import rule_digest
from framethrift.config.recipe import Recipe
from framethrift.evaluation.questions import load_asked
from framethrift.published.lookup import AnnotationsMissing
from framethrift.videos import NoUsableVideo, benchmarks, build_dataset, read_rows
from framethrift.videos.benchmarks import Shortfall
from framethrift.videos.pictures import pictures_in, read_pictures
from framethrift.videos.tables import QUARANTINE, QUESTIONS, VIDEOS


@pytest.fixture(autouse=True)
def _nobodys_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty_home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)


def _build(tmp_path: Path, source: str, *, allow_partial: bool = True) -> Path:
    study_dir = tmp_path / "results" / "study"
    dataset = Published(source=source, recipe="r")
    build_dataset(dataset, source, study_dir, root=tmp_path / "data", allow_partial=allow_partial)
    return study_dir


def _study(*benchmarks: str, allow_partial: bool = True) -> SimpleNamespace:
    given = settings(*benchmarks)
    datasets = {name: Published.model_validate(dataset) for name, dataset in given["datasets"].items()}
    return SimpleNamespace(name="look", datasets=datasets, allow_partial=allow_partial)


def test_a_shortfall_is_an_error_unless_allowed(tmp_path: Path) -> None:
    make(tmp_path / "data", "nextqa")
    with pytest.raises(Shortfall, match=r"nextqa: 20 questions, the registry expects 8564; .*set allow_partial: true"):
        _build(tmp_path, "nextqa", allow_partial=False)
    study_dir = _build(tmp_path, "nextqa")
    encode_dataset(study_dir, "nextqa", Recipe(fps=4, gop=8, window=4, width=64, height=48))
    asked = load_asked(_study("nextqa"), Layout(study_dir), "nextqa")  # type: ignore[arg-type]
    assert asked.coverage == {
        **{"expected_questions": 8564, "found_questions": 20, "expected_videos": 1000, "found_videos": 4, "partial": True}
    }
    assert {question.letter for question in asked.questions} == set("ABCDE")
    assert asked.questions[0].doc["video"] == asked.questions[0].asked_about
    with pytest.raises(Shortfall, match=r"benchmark 'nextqa' is not whole: .*'found_questions': 20"):
        load_asked(_study("nextqa", allow_partial=False), Layout(study_dir), "nextqa")  # type: ignore[arg-type]


def test_missing_and_bad_videos_are_quarantined_and_their_questions_stay(tmp_path: Path) -> None:
    make(tmp_path / "data", "tomato")
    folder = tmp_path / "data" / "tomato" / "videos" / "human"
    (folder / "clip_a.mp4").unlink()
    (folder / "clip_b.mp4").write_bytes(b"no video")
    study_dir = _build(tmp_path, "tomato")
    reasons = {row["reason"] for row in read_rows(QUARANTINE, study_dir / "videos" / "tomato")}
    assert "missing" in reasons and len(reasons) == 2
    assert len(read_rows(QUESTIONS, study_dir / "videos" / "tomato")) == 20
    encode_dataset(study_dir, "tomato", Recipe(fps=4, gop=8, window=4, width=64, height=48))
    asked = load_asked(_study("tomato"), Layout(study_dir), "tomato")  # type: ignore[arg-type]
    assert (len(asked.questions), len(asked.present), len(asked.missing)) == (20, 8, 2)
    assert (asked.coverage["found_questions"], asked.coverage["found_videos"]) == (8, 2)


def test_a_whole_benchmark_with_a_missing_video_is_short_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "data", "video_tt")
    monkeypatch.setattr(benchmarks, "check_counts", lambda *asked: None)  # as if the look-alike were all there is
    _build(tmp_path, "video_tt", allow_partial=False)
    (tmp_path / "data" / "video_tt" / "videos" / "clip_c.mp4").unlink()
    with pytest.raises(Shortfall, match=r"1 of 4 videos cannot be used: 1 missing \(e\.g\. video_tt/clip_c\.mp4\)"):
        _build(tmp_path, "video_tt", allow_partial=False)


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationsMissing, match="needed: test"):
        _build(tmp_path, "nextqa")
    make(tmp_path / "data", "nextqa")
    for path in (tmp_path / "data").rglob("*.mp4"):
        path.unlink()
    with pytest.raises(NoUsableVideo, match="not one of 4 videos can be used: 4 missing"):
        _build(tmp_path, "nextqa")


def test_folders_of_pictures_become_videos(tmp_path: Path) -> None:
    make(tmp_path / "data", "scanqa")
    study_dir = _build(tmp_path, "scanqa")
    rows = read_rows(VIDEOS, study_dir / "videos" / "scanqa")
    assert [(row["frames"], row["fps"], row["width"], row["height"]) for row in rows] == [(12, 1.0, 64, 48)] * 4
    path = study_dir / rows[0]["path"]
    assert abs(probe(path).duration - 12) < 1
    folder = next((tmp_path / "data" / "scanqa" / "videos").iterdir())
    assert [picture.stem for picture in pictures_in(folder)] == [str(number) for number in range(1, 13)]
    shown = np.stack(list(read_pictures(pictures_in(folder))))
    # The noise does not survive JPEG; the square, and which of the clips it is, do.
    distances = sorted(np.abs(shown.astype(int) - frames(number)[:12]).mean() for number in range(4))
    assert distances[0] < 0.8 * distances[1]
    assert read_frames(path, [0.0, 10.0]).shape == (2, 48, 64, 3)


def test_bad_pictures_are_quarantined(tmp_path: Path) -> None:
    make(tmp_path / "data", "scanqa")
    one, two, three, _ = sorted((tmp_path / "data" / "scanqa" / "videos").iterdir())
    (one / "3.jpg").write_bytes(b"no picture")
    Image.new("RGB", (32, 32)).save(two / "5.jpg")
    for picture in three.iterdir():
        picture.unlink()
    study_dir = _build(tmp_path, "scanqa")
    found = {row["path"]: row for row in read_rows(QUARANTINE, study_dir / "videos" / "scanqa")}
    assert {Path(path).name: row["reason"] for path, row in found.items()} == {
        **{one.name: "unreadable", two.name: "unreadable", three.name: "no_frames"}
    }
    assert len(read_rows(VIDEOS, study_dir / "videos" / "scanqa")) == 1
    assert not list((study_dir / "videos").rglob(".*"))


def test_cut_clips_of_the_hub_have_no_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "data", "mvbench")
    own = {row["question_id"]: row["start"] for row in read_rows(QUESTIONS, _build(tmp_path, "mvbench") / "videos" / "mvbench")}
    assert own["action_sequence_000"] == 1.0
    # The same annotations with videos that were cut already.
    for path in (tmp_path / "data" / "mvbench" / "videos" / "star").rglob("*.mp4"):
        target = tmp_path / "data" / "mvbench" / "videos" / "star" / "Charades_segment" / path.name
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    cut = {row["question_id"]: row["start"] for row in read_rows(QUESTIONS, _build(tmp_path, "mvbench") / "videos" / "mvbench")}
    assert cut["action_sequence_000"] is None
    assert cut["action_localization_000"] == 1.0


def test_subtitles_come_along(tmp_path: Path) -> None:
    make(tmp_path / "data", "videomme")
    rows = read_rows(QUESTIONS, _build(tmp_path, "videomme") / "videos" / "videomme")
    by_benchmark = {
        name: [row for row in rows if row["benchmark"] == name] for name in ("videomme", "videomme_subtitles", "videomme_long")
    }
    assert {name: len(own) for name, own in by_benchmark.items()} == {
        "videomme": 20,
        "videomme_subtitles": 20,
        "videomme_long": 10,
    }
    assert all(row["support"] == [] for row in by_benchmark["videomme"])
    ((name, path),) = by_benchmark["videomme_subtitles"][0]["support"]
    assert (name, Path(path).read_text().startswith("1\n00:00:00,500")) == ("videomme/subtitle/clip_a.srt", True)


def test_registry_and_loaders_are_in_the_digest_of_published_videos_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from framethrift.config import digest, load_study

    paper, mini = load_study("paper"), load_study("mini")
    before = rule_digest(paper, "videos", "nextqa"), rule_digest(mini, "videos", "motion")
    changed = {name: known.model_copy(update={"questions": 1}) for name, known in digest.load_benchmarks().items()}
    monkeypatch.setattr(digest, "load_benchmarks", lambda: changed)
    after = rule_digest(paper, "videos", "nextqa"), rule_digest(mini, "videos", "motion")
    assert (before[0] != after[0], before[1] == after[1]) == (True, True)
