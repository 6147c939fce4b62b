from collections import Counter, defaultdict

import numpy as np
import pytest
from blind import naive_bayes, wording_majority

from framethrift.config.data import NeedleWorld
from framethrift.videos.needle_decoys import strangers
from framethrift.videos.needle_plan import NeedlePlan, Order, Pair, Single
from framethrift.videos.rendered import RenderedVideo
from framethrift.videos.shapes import COLOURS
from framethrift.videos.worlds import plan_world, render_video

WORLD = NeedleWorld(recipe="small")


@pytest.fixture(scope="module")
def plans() -> list[NeedlePlan]:
    return list(plan_world(WORLD, "test"))


@pytest.fixture(scope="module")
def videos(plans: list[NeedlePlan]) -> list[RenderedVideo]:
    return [render_video(WORLD, "test", index, plans[index]) for index in range(30)]


def asked(split: str, kind: str) -> list[tuple[str, str]]:
    texts = []
    for plan in plan_world(WORLD, split):
        for question in plan.questions:
            if isinstance(question, Single) and kind == "single":
                event = plan.events[question.event]
                texts.append((f"what colour is the {event.shape} ?", event.colour))
            elif isinstance(question, Order) and kind == "order":
                first, second = (plan.events[k].name for k in question.named)
                texts.append((f"did the {first} come before the {second} ?", "yes" if question.answer else "no"))
    return texts


@pytest.mark.parametrize(("kind", "chance"), [("single", 0.25), ("order", 0.5)])
def test_a_blind_model_is_at_chance(kind: str, chance: float) -> None:
    train, test = asked("train", kind), asked("test", kind)
    assert len(test) == 600
    assert wording_majority(train, test) <= chance + 0.03
    assert naive_bayes(train, test) <= chance + 0.04
    counts = Counter(answer for _, answer in test)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_colours_are_even_for_every_shape_asked() -> None:
    by_wording = defaultdict(Counter)
    for question, answer in asked("test", "single"):
        by_wording[question][answer] += 1
    for counts in by_wording.values():
        assert max(counts.values()) - min(counts[colour] for colour in COLOURS) <= 1


def test_yes_and_no_are_nearly_even_for_every_part_of_the_wording() -> None:
    surplus: Counter[tuple[int, str]] = Counter()
    for question, answer in asked("test", "order"):
        for place in enumerate(question.split()):
            surplus[place] += 1 if answer == "yes" else -1
    assert max(abs(value) for value in surplus.values()) <= 12


def test_sequence_agrees_with_the_answers(plans: list[NeedlePlan]) -> None:
    for plan in plans:
        assert sorted(plan.sequence) == list(range(len(plan.events)))
        for question in plan.questions:
            if isinstance(question, Order):
                first, second = (plan.sequence.index(k) for k in question.named)
                assert (first < second) == question.answer


def test_order_pairs_are_short_with_short_and_short_with_long(plans: list[NeedlePlan]) -> None:
    for plan in plans:
        pairs = [sorted(plan.events[k].long for k in q.named) for q in plan.questions if isinstance(q, Order)]
        assert pairs == [[False, False], [False, True]]
        assert not any(plan.events[q.event].long for q in plan.questions if isinstance(q, Single))
        assert len({event.shape for event in plan.events}) == len(plan.events)


def test_evidence_is_where_the_captions_say(plans: list[NeedlePlan], videos: list[RenderedVideo]) -> None:
    for plan, video in zip(plans, videos, strict=False):
        assert len(video.captions) == len(video.frames) == WORLD.frames
        captions = dict(video.captions)
        for question, of in zip(plan.questions, video.questions, strict=True):
            events = [question.event] if isinstance(question, Single) else sorted(question.named, key=plan.sequence.index)
            for event, (start, end) in zip(events, of.evidence, strict=True):
                seen = plan.events[event]
                low, high = WORLD.long_frames if seen.long else WORLD.short_frames
                assert low <= end - start + 1 <= high
                for second in range(int(start), int(end) + 1):
                    assert captions[second] in (f"a {seen.name}", f"a {seen.shape}")
                for beside in (start - 1, end + 1):
                    assert captions[beside] != f"a {seen.name}"


def test_the_answer_is_seen_in_the_evidence_only(plans: list[NeedlePlan], videos: list[RenderedVideo]) -> None:
    for video in videos:
        single = video.questions[0]
        shape = single.question.split()[-2]
        ((start, end),) = single.evidence
        elsewhere = {caption for time, caption in video.captions if not start <= time <= end}
        assert not [caption for caption in elsewhere if shape in caption.split() and "grey" not in caption]


def test_event_frames_are_coloured_and_empty_frames_are_not(videos: list[RenderedVideo]) -> None:
    def colourfulness(frame: np.ndarray) -> float:
        values = frame.astype(int)
        return float(np.sort(values.max(axis=2) - values.min(axis=2), axis=None)[-20:].mean())

    empty, full = [], []
    for video in videos[:8]:
        for frame, (_, caption) in zip(video.frames, video.captions, strict=True):
            if caption == "an empty scene" or "grey" in caption:
                empty.append(colourfulness(frame))
            elif caption.split()[1] in COLOURS:
                full.append(colourfulness(frame))
    assert max(empty) < 3
    assert min(full) > 25


def test_look_alikes_fill_about_their_share_of_the_gaps(plans: list[NeedlePlan], videos: list[RenderedVideo]) -> None:
    gaps, decoys = 0, 0
    kinds: set[str] = set()
    for plan, video in zip(plans, videos, strict=False):
        events = {text for event in plan.events for text in (f"a {event.name}", f"a {event.shape}")}
        beside = [caption for _, caption in video.captions if caption not in events]
        gaps += len(beside)
        decoys += sum(caption != "an empty scene" for caption in beside)
        kinds |= {caption.split()[-1] for caption in beside} | {
            word for caption in beside for word in caption.split() if word == "grey"
        }
    assert decoys / gaps == pytest.approx(WORLD.decoy_share, abs=0.06)
    assert {"smudge", "specks", "grey", "square"} <= kinds


def test_strangers_are_no_events_and_never_asked_for_alone(plans: list[NeedlePlan]) -> None:
    for plan in plans:
        alone = {plan.events[q.event].shape for q in plan.questions if isinstance(q, Single)}
        found = strangers(plan)
        assert found
        assert not {(event.colour, event.shape) for event in plan.events} & set(found)
        assert not alone & {shape for _, shape in found}


def test_queries_name_what_to_look_for(videos: list[RenderedVideo]) -> None:
    for video in videos:
        for question in video.questions:
            assert len(question.queries) == (1 if question.type == "single" else 2)
            assert len(question.evidence) == len(question.queries)
            for query in question.queries:
                assert query.removeprefix("a ") in question.question


def test_pairs_ask_for_the_colours_of_two_separated_events_and_change_nothing_else(plans: list[NeedlePlan]) -> None:
    world = WORLD.model_copy(update={"pairs": True})
    found = [plan for _, plan in zip(range(20), plan_world(world, "test"), strict=False)]
    assert [plan.questions[:-1] for plan in found] and all(isinstance(plan.questions[-1], Pair) for plan in found)
    assert not any(isinstance(question, Pair) for plan in plans for question in plan.questions)
    for index, plan in enumerate(found[:4]):
        video = render_video(world, "test", index, plan)
        asked = video.questions[-1]
        first, second = (plan.events[k] for k in plan.questions[-1].named)
        assert asked.type == "pair" and asked.answer == f"{first.colour} and {second.colour}"
        assert len(asked.options) == 16 and asked.answer in asked.options
        assert asked.queries == (f"a {first.shape}", f"a {second.shape}")
        (_, end), (start, _) = asked.evidence
        assert end < start
        singles = {question.question.split()[-2]: question.answer for question in video.questions if question.type == "single"}
        assert [singles[event.shape] for event in (first, second)] == asked.answer.split(" and ")
