from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blind import naive_bayes, wording_majority

from framethrift.codec import Recipe, encode_frames, read_video
from framethrift.config.data import MotionWorld
from framethrift.videos.motion_plan import BENCHMARKS, DIRECTIONS, OPTIONS, QUADRANTS, MotionPlan
from framethrift.videos.motion_world import render
from framethrift.videos.shapes import COLOURS
from framethrift.videos.worlds import plan_world, render_video

WORLD = MotionWorld(recipe="small")


@pytest.fixture(scope="module")
def plans() -> dict[str, list[MotionPlan]]:
    return {split: list(plan_world(WORLD, split)) for split in ("train", "test")}


def test_answers_are_even_per_type_and_per_wording(plans: dict[str, list[MotionPlan]]) -> None:
    for split in plans.values():
        by_type, by_wording = defaultdict(Counter), defaultdict(Counter)
        for plan in split:
            for asked in plan.questions:
                by_type[asked.type][asked.answer] += 1
                by_wording[asked.type, asked.question][asked.answer] += 1
        for kind, counts in by_type.items():
            assert set(counts) == set(OPTIONS[kind])
            assert max(counts.values()) - min(counts.values()) <= 1, kind
        for (kind, question), counts in by_wording.items():
            assert max(counts.values()) - min(counts[answer] for answer in OPTIONS[kind]) <= 1, question


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_a_blind_model_is_at_chance(plans: dict[str, list[MotionPlan]], kind: str) -> None:
    train, test = (
        [(a.question, a.answer) for plan in plans[s] for a in plan.questions if a.type == kind] for s in ("train", "test")
    )
    chance = 1 / len(OPTIONS[kind])
    assert wording_majority(train, test) <= chance + 0.03
    assert naive_bayes(train, test) <= chance + 0.03


def test_questions_are_short_and_from_a_small_vocabulary(plans: dict[str, list[MotionPlan]]) -> None:
    asked = [question for plan in plans["test"] for question in plan.questions]
    assert all(len(question.question.split()) <= 9 for question in asked)
    assert all(len(question.answer.split()) == 1 for question in asked)
    assert len({word for question in asked for word in question.question.split()}) <= 30
    assert Counter(len(plan.questions) for plan in plans["test"]) == {9: WORLD.videos.test}
    assert len([q for q in asked if BENCHMARKS[q.type] == "mini_motion"]) >= 500


def test_answers_describe_the_objects(plans: dict[str, list[MotionPlan]]) -> None:
    for plan in plans["test"]:
        one, other = plan.objects
        assert one.colour != other.colour and one.shape != other.shape and one.quadrant != other.quadrant
        for asked in plan.questions:
            thing = plan.objects[asked.about]
            turn = "first" if plan.first == asked.about else "last"
            assert any(word in asked.question for word in (thing.colour, thing.shape, f"{turn} move ?"))
            if asked.type == "order":
                assert asked.answer == ("yes" if plan.first == asked.about else "no")
            else:
                assert asked.answer == getattr(thing, asked.type)


def test_key_frames_do_not_depend_on_direction_speed_or_order(plans: dict[str, list[MotionPlan]]) -> None:
    plan = plans["test"][0]
    turned = tuple(replace(thing, direction="up", speed="fast" if thing.speed == "slow" else "slow") for thing in plan.objects)
    changed = replace(plan, objects=turned, first=1 - plan.first)
    frames, others = (render(WORLD, p, np.random.default_rng(9)).frames for p in (plan, changed))
    keys = range(0, len(frames), WORLD.gop)
    assert (frames != others).any()
    for key in keys:
        assert np.array_equal(frames[key], frames[0])
        assert np.array_equal(frames[key], others[key])


@pytest.mark.parametrize("index", range(6))
def test_pixels_change_only_in_the_evidence_and_on_the_way_back(plans: dict[str, list[MotionPlan]], index: int) -> None:
    plan = plans["test"][index]
    video = render_video(WORLD, "test", index, plan)
    frames = video.frames.astype(int)
    changed = {n for n in range(1, len(frames)) if (frames[n] != frames[n - 1]).any()}
    going, directions = set(), [q for q in video.questions if q.type == "direction"]
    for question in directions:
        ((start, end),) = question.evidence
        first, last = round(start * WORLD.fps), round(end * WORLD.fps)
        assert last - first == WORLD.window and first % WORLD.window == 0
        assert last % WORLD.gop <= WORLD.gop - WORLD.window and last % WORLD.gop > 0
        going |= set(range(first + 1, last + 1))
    assert going <= changed
    assert all(n % WORLD.gop > WORLD.gop - WORLD.window for n in changed - going)
    starts = [question.evidence[0][0] for question in directions]
    assert starts[plan.first] < starts[1 - plan.first]
    order = next(q for q in video.questions if q.type == "order")
    assert sorted(order.evidence) == sorted(q.evidence[0] for q in directions)


@pytest.mark.parametrize("index", range(8))
def test_objects_move_as_planned(plans: dict[str, list[MotionPlan]], index: int) -> None:
    plan = plans["test"][index]
    video = render_video(WORLD, "test", index, plan)
    for thing, question in zip(plan.objects, video.questions[:2], strict=True):
        start, end = (round(second * WORLD.fps) for second in question.evidence[0])
        colour = np.array(COLOURS[thing.colour])
        centres = []
        for frame in (video.frames[start], video.frames[end]):
            y, x = np.nonzero(np.abs(frame.astype(int) - colour).sum(axis=2) < 80)
            centres.append(np.array([x.mean(), y.mean()]))
        pixels = WORLD.window * (WORLD.fast if thing.speed == "fast" else WORLD.slow)
        assert centres[1] - centres[0] == pytest.approx(np.array(DIRECTIONS[thing.direction]) * pixels, abs=1.5)
        for centre in centres:
            assert tuple((centre > (WORLD.width / 2, WORLD.height / 2)).astype(int)) == QUADRANTS[thing.quadrant]


def test_objects_never_overlap(plans: dict[str, list[MotionPlan]]) -> None:
    for index in range(40):
        video = render_video(WORLD, "train", index, plans["train"][index])
        shown = [
            sum(
                int((np.abs(frame.astype(int) - np.array(COLOURS[thing.colour])).sum(axis=2) < 80).sum())
                for frame in video.frames[::4]
            )
            for thing in plans["train"][index].objects
        ]
        still = [
            8 * int((np.abs(video.frames[0].astype(int) - np.array(COLOURS[thing.colour])).sum(axis=2) < 80).sum())
            for thing in plans["train"][index].objects
        ]
        assert shown == pytest.approx(still, rel=0.02)


def test_captions_name_both_objects_where_they_are(plans: dict[str, list[MotionPlan]]) -> None:
    video = render_video(WORLD, "test", 0, plans["test"][0])
    times = [time for time, _ in video.captions]
    assert times == sorted(set(times)) and {0.0, WORLD.gop / WORLD.fps} <= set(times)
    for _, caption in video.captions:
        for thing in plans["test"][0].objects:
            assert f"a {thing.colour} {thing.shape} in the {thing.quadrant}" in caption


def test_the_codec_sees_the_motion(plans: dict[str, list[MotionPlan]], tmp_path: Path) -> None:
    right = 0
    for index in range(10):
        plan = plans["test"][index]
        video = render_video(WORLD, "test", index, plan)
        encode_frames(video.frames, tmp_path / "clip.mp4", Recipe(fps=WORLD.fps, gop=WORLD.gop, window=WORLD.window))
        read = read_video(tmp_path / "clip.mp4", WORLD.window)
        for thing, question in zip(plan.objects, video.questions[:2], strict=True):
            end = round(question.evidence[0][1] * WORLD.fps)
            gop, slot = end // WORLD.gop, end % WORLD.gop // WORLD.window
            moving = np.abs(read.frames[gop, slot].astype(int) - np.array(COLOURS[thing.colour])).sum(axis=2) < 80
            pixels = WORLD.window * (WORLD.fast if thing.speed == "fast" else WORLD.slow)
            expected = np.array(DIRECTIONS[thing.direction]) * pixels
            right += np.abs(np.median(read.motion[gop, slot - 1][moving], axis=0) - expected).max() <= 1
    assert right >= 18
