import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from framethrift.codec import read_frames
from framethrift.config.long_video_qa import LongVideoQA, Quality
from framethrift.published.annotations import AnnotationError
from framethrift.videos import QUARANTINE, QUESTIONS, VIDEOS, NoUsableVideo, build_dataset, read_rows
from framethrift.videos.long_events import Event, read_events, usable
from framethrift.videos.long_questions import LETTERS, draft, question_rows
from framethrift.videos.long_splicing import Footage, plan_videos
from framethrift.videos.tables import LEFT_OUT
from tests.videos.long_world import EVENTS, long_folder, needle_folder

SPLICING = {"train": 3, "validation": 1, "width": 128, "height": 72, "minutes": (2, 4), "fps": 0.5} | {
    "needles": 4,
    "needle_seconds": 8,
    "filler_seconds": 20,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return long_folder(tmp_path_factory.mktemp("long_world"))


@pytest.fixture(scope="module")
def needles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return needle_folder(tmp_path_factory.mktemp("needle_world"))


def settings(folder: tuple[Path, Path], **more: object) -> LongVideoQA:
    given = {"recipe": "needle", "folder": str(folder[0]), "captions": str(folder[1]), "licence": "own", "shortest_minutes": 2}
    return LongVideoQA.model_validate(given | more)


def built(own: LongVideoQA, study: Path, jobs: int = 1) -> tuple[dict[str, dict], list[dict], dict[str, dict], Counter]:
    build_dataset(own, "long", study, jobs)
    place = study / "videos" / "long"
    left_out = Counter({(row["what"], row["reason"]): row["count"] for row in read_rows(LEFT_OUT, place / "construction")})
    videos = {row["video_id"]: row for row in read_rows(VIDEOS, place)}
    return videos, read_rows(QUESTIONS, place), {row["path"]: row for row in read_rows(QUARANTINE, place)}, left_out


def check_answers(questions: list[dict], order: dict[str, dict[str, float]]) -> None:
    """Every answer, worked out again from the times of the events in the question's video."""
    for row in questions:
        times = order[row["video_id"]]
        at = [times[option] for option in row["options"]]
        named = sorted(times[event] for event in times if event in row["question"])
        right = times[row["answer"]]
        assert row["options"][LETTERS.index(row["letter"])] == row["answer"]
        if row["type"] == "first":
            assert right == min(at)
        elif row["type"] == "last":
            assert right == max(at)
        elif row["type"] == "after":
            assert right == min(time for time in at if time > named[0])
        else:
            assert [time for time in at if named[0] < time < named[1]] == [right]


def test_long_videos_are_asked_about_and_bad_ones_quarantined(folder: tuple[Path, Path], tmp_path: Path) -> None:
    videos, questions, quarantine, left_out = built(settings(folder, validation_share=0.3), tmp_path)
    assert len(videos) == 8 and {row["split"] for row in videos.values()} == {"train", "validation"}
    reasons = {path: row["reason"] for path, row in quarantine.items()}
    assert reasons == {
        "absent.mp4": "missing",
        "cut.mp4": "truncated",
        "empty.mp4": "empty_file",
        "short.mp4": "too_short",
        "uncaptioned.mp4": "no_captions",
    }
    assert len(questions) == 8 * 3 and not left_out
    told = read_events(folder[1])
    names = {row["video_id"]: Path(row["path"]).resolve() for row in videos.values()}
    order = {key: {event.caption: event.start for event in told[name.name.split("-")[0] + ".mp4"]} for key, name in names.items()}
    check_answers(questions, order)
    assert all(len(row["evidence"]) >= 3 and 2 <= len(row["queries"]) <= 4 for row in questions)
    assert {row["split"] for row in questions} == {"train", "validation"}
    again = built(settings(folder, validation_share=0.3), tmp_path / "again", jobs=2)
    assert again[:2] == (videos, questions)


def test_needles_are_spliced_where_the_table_says(needles: tuple[Path, Path], tmp_path: Path) -> None:
    own = settings(needles, splicing=SPLICING, validation_share=0.5)
    videos, questions, quarantine, left_out = built(own, tmp_path)
    assert Counter(row["split"] for row in videos.values()) == {"train": 3, "validation": 1} and not left_out
    assert {path: row["reason"] for path, row in quarantine.items()} == {"damaged.mp4": "corrupt"}
    assert all(115 <= row["duration"] <= 260 and (row["width"], row["height"]) == (128, 72) for row in videos.values())
    assert {row["video_id"] for row in questions} == set(videos)
    for row in questions:
        frames = read_frames(tmp_path / videos[row["video_id"]]["path"], [start for start, _ in row["evidence"]]).astype(int)
        # An event has a coloured shape left of the middle, where the backgrounds are grey; black bars are at the sides.
        colour = (frames.max(axis=-1) - frames.min(axis=-1)).max(axis=(1, 2))
        assert (colour > 60).all() and (frames[:, :, :14] < 20).all(), row["question_id"]
    build_dataset(own, "long", tmp_path / "again")
    again = {row["video_id"]: row["sha256"] for row in read_rows(VIDEOS, tmp_path / "again/videos/long")}
    assert again == {key: row["sha256"] for key, row in videos.items()}


def test_splits_of_spliced_videos_share_no_file(needles: tuple[Path, Path], tmp_path: Path) -> None:
    own = settings(needles, splicing=SPLICING)
    assert own.splicing is not None
    told = read_events(needles[1])
    footage = [Footage(needles[0] / name, 60, tuple(events)) for name, events in told.items()]
    with pytest.raises(ValueError, match=r"4 needles need as many files .* found 3 and 0: give more videos"):
        plan_videos({"train": footage[:3]}, "long", tmp_path, own.splicing, own.quality, 0)
    files = {"train": footage[:6], "validation": footage[6:12]}
    planned = plan_videos(files, "long", tmp_path, own.splicing, own.quality, 0)
    assert planned == plan_videos(files, "long", tmp_path, own.splicing, own.quality, 0)
    assert planned != plan_videos(files, "long", tmp_path, own.splicing, own.quality, 1)
    for split, _, plan in planned:
        assert {stretch.path for stretch in plan.stretches} <= {one.path for one in files[split]}
        shown = plan.events(own.splicing.fps)
        hidden = [stretch.path for stretch in plan.stretches if stretch.caption]
        assert len(shown) == 4 and len(set(hidden)) == 4
        assert not set(hidden) & {stretch.path for stretch in plan.stretches if not stretch.caption}
        assert all(two.start - one.end >= 20 for one, two in pairwise(shown)), "filler lies between needles"


def test_events_are_left_out_for_the_reason_that_is_counted() -> None:
    quality = Quality(words=(3, 8), shortest=2, longest_share=0.2, alike=0.6)
    good = [Event(10, 14, EVENTS[0]), Event(30, 34, EVENTS[1]), Event(50, 54, EVENTS[2])]
    bad = [
        Event(0, 4, "a dog"),
        Event(5, 6, "a cat walks over the wall"),
        Event(60, 85, "some people dance all night long"),
        Event(98, 102, "a train leaves without its driver"),
        Event(70, 74, "the old man opens a door"),
        Event(80, 84, "the old man opens one door"),
        Event(52, 56, "seven birds sit on a wire"),
    ]
    left_out: Counter[str] = Counter()
    assert usable([*bad, *good], 100, quality, left_out) == good
    assert left_out == {
        "caption too short or too long": 1,
        "event too short": 1,
        "event too long": 1,
        "outside the video": 1,
        "caption like another's": 2,
        "overlaps another event": 1,
    }


def test_letters_are_even_and_wrong_options_come_from_the_same_video() -> None:
    rng = np.random.default_rng(0)
    events = [Event(20.0 * n, 20.0 * n + 5, text) for n, text in enumerate(EVENTS)]
    asked = [
        ({"video_id": f"v{n}", "dataset": "long", "split": "train"}, one) for n in range(50) for one in draft(events, 4, 4, rng)
    ]
    rows = question_rows(asked, rng)
    assert len(rows) == 200 and len({row["question_id"] for row in rows}) == 200
    for kind in ("first", "last", "after", "between"):
        letters = Counter(row["letter"] for row in rows if row["type"] == kind)
        assert sum(letters.values()) == 50 and max(letters.values()) - min(letters.values()) <= 1, (kind, letters)
    assert all(set(row["options"]) <= set(EVENTS) and len(set(row["options"])) == 4 for row in rows)
    check_answers(rows, {f"v{n}": {event.caption: event.start for event in events} for n in range(50)})
    assert draft(events[:3], 4, 2, rng) == [], "three events make no question with four options"
    assert {one.type for one in draft(events[:4], 4, 4, rng)} == {"first", "last"}


def test_what_an_endpoint_writes_is_checked_and_counted(folder: tuple[Path, Path], tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(messages: list[dict[str, str]], max_tokens: int) -> str:
        asked.append(messages[0]["content"])
        good = {
            "question": "Why did the square slide?",
            "right": "The disc pushed it",
            "wrong": ["a", "b", "c"],
            "events": [2, 1],
        }
        bad = [{**good, "events": [1]}, {**good, "question": "Who?", "events": [1, 99]}, {**good, "wrong": ["a", "A", "b"]}, 7]
        return "not json" if len(asked) == 1 else json.dumps([good, *bad, good])

    own = settings(folder, writer="endpoint")
    with pytest.raises(ValueError, match="needs one to ask"):
        build_dataset(own, "long", tmp_path)
    build_dataset(own, "long", tmp_path, ask=ask)
    place = tmp_path / "videos" / "long"
    questions = read_rows(QUESTIONS, place)
    assert len(asked) == 8 and len(questions) == 7 and EVENTS[3] in asked[0]
    assert all(row["answer"] == "The disc pushed it" and len(row["evidence"]) == 2 for row in questions)
    assert {(row["what"], row["reason"]): row["count"] for row in read_rows(LEFT_OUT, place / "construction")} == {
        ("reply", "no JSON list"): 1,
        ("question", "rests on fewer than two events"): 7,
        ("question", "names events that are not there"): 7,
        ("question", "options missing or alike"): 7,
        ("question", "fields other than question, right, wrong, events"): 7,
        ("question", "repeats another"): 7,
    }


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"start": 0, "end": 1, "caption": "x"}, "entry 0: video is missing"),
        ({"video": "a.mp4", "start": 3, "end": 3, "caption": "x"}, "start 3 and end 3 are no stretch"),
        ({"video": "../a.mp4", "start": 0, "end": 3, "caption": "x"}, "must be relative"),
        ({"video": "a.mp4", "start": "zero", "end": 3, "caption": "x"}, "start 'zero' is no number"),
        ({"video": "a.mp4", "start": 0, "end": 3, "caption": ""}, "caption is missing"),
    ],
)
def test_malformed_captions_name_entry_and_field(tmp_path: Path, entry: dict, message: str) -> None:
    path = tmp_path / "captions.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    with pytest.raises(AnnotationError, match=message):
        read_events(path)


def test_a_set_without_a_question_is_refused(folder: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(NoUsableVideo, match=r"8 video.*too few usable events"):
        build_dataset(settings(folder, quality={"words": [20, 30]}), "long", tmp_path)
    with pytest.raises(NoUsableVideo, match="too_short"):
        build_dataset(settings(folder, shortest_minutes=9), "long", tmp_path)


def test_impossible_settings_are_refused(folder: tuple[Path, Path]) -> None:
    with pytest.raises(ValidationError, match="cannot hold 6 needles"):
        settings(folder, splicing={"train": 1, "validation": 0, "needles": 6, "minutes": (2, 3)})
    with pytest.raises(ValidationError, match=r"too_hard 0\.9 must be below too_easy 0\.5"):
        settings(folder, difficulty={"too_easy": 0.5, "too_hard": 0.9})
