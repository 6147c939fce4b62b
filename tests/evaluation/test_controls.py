"""What a control changes, and what the moment a question is asked hides from every sampling."""

import math

import numpy as np
import pytest
import torch

from framethrift.config.sampling import Chance, Select, Stream
from framethrift.evaluation.chance import ChanceAnswerer
from framethrift.evaluation.loading import kept_scoring, load_variant
from framethrift.evaluation.posing import span_of
from framethrift.evaluation.questions import Question, load_asked
from framethrift.evaluation.shown import Ask, within


@pytest.fixture(scope="module")
def mllm(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    return load_variant(study, layout, "mllm", 0, "cpu"), list(load_asked(study, layout, "mini_needle").videos.values())


def _times(view) -> list[float]:  # type: ignore[no-untyped-def]
    return [item.time for item in view.shown.items]


def test_within_is_the_span_and_never_nothing() -> None:
    times = np.arange(5.0)
    assert within(times, (0.0, math.inf)).all()
    assert np.flatnonzero(within(times, (1.0, 3.0))).tolist() == [1, 2, 3]
    assert np.flatnonzero(within(times, (1.2, 1.7))).tolist() == [1]  # on screen when the span ends
    assert np.flatnonzero(within(times, (9.0, 12.0))).tolist() == [4]
    for span in ((3.0, 2.0), (-2.0, -1.0)):
        with pytest.raises(ValueError, match="span"):
            within(times, span)


def test_a_questions_span_is_its_clip_up_to_the_moment_it_is_asked() -> None:
    question = Question("q", "v", "b", "t", "?", "a", (), ())
    assert span_of(question) == (0.0, math.inf)
    asked = Question("q", "v", "b", "t", "?", "a", (), (), start=2.0, end=9.0, until=7.5)
    assert span_of(asked) == (2.0, 7.5)


@pytest.mark.parametrize(
    "sampling",
    [
        Stream(),
        Stream(delta="drop"),
        Stream(delta="swap"),
        Stream(keyframes_per_gop=2, order="shuffled"),
        Select(frames=3),
        Select(selector="random", frames=3, order="shuffled"),
        Select(selector="oracle", frames=3),
        Select(selector="top_k", frames=3, queries="question"),
        Select(selector="bolt", frames=3, queries="question"),
        Select(selector="top_k", frames=3, queries="reasoned"),
    ],
    ids=lambda sampling: "-".join(str(value) for value in sampling.model_dump().values()),
)
@pytest.mark.parametrize("span", [(0.0, 20.0), (0.0, 0.4), (11.5, 19.0), (30.2, 30.6)])
def test_nothing_outside_the_span_is_shown(tiny, mllm, sampling, span) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = mllm
    viewer = loaded.answerer(sampling, kept_scoring(tiny[1], 1.0)).viewer
    asks = [Ask(video, "which colour ?", videos[0], ((0.0, 40.0),), span) for video in videos[1:]]
    for ask, view in zip(asks, viewer(asks), strict=True):
        times = _times(view)
        assert times and max(times) <= span[1]
        if span != (30.2, 30.6):
            assert min(times) >= span[0]
        else:  # no frame starts in the span: what is on screen then
            assert times == [30.0]
        assert any(item.kind == "I" for item in view.shown.items)
        assert view.shown.visual_tokens <= viewer.cost(ask)


def test_questions_about_parts_of_one_video_share_its_reading(mllm, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from framethrift.evaluation import streams

    loaded, videos = mllm
    read: list[int] = []
    original = streams.read_gops
    monkeypatch.setattr(streams, "read_gops", lambda *args, **options: read.append(1) or original(*args, **options))
    viewer = loaded.answerer(Stream()).viewer
    asks = [Ask(videos[0], "?", span=(0.0, float(end))) for end in range(10, 40, 3)]
    views = viewer(asks)
    assert len(read) == 1
    for ask, view in zip(asks, views, strict=True):
        (alone,) = viewer([ask])
        assert alone.shown.items == view.shown.items
        assert torch.allclose(alone.shown.image_features, view.shown.image_features, atol=1e-5)
        assert torch.allclose(alone.shown.delta_embeds, view.shown.delta_embeds, atol=1e-5)


@pytest.mark.parametrize("kind", [Stream, Select])
def test_shuffled_shows_the_same_in_another_order(mllm, kind) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = mllm
    more = {"frames": 8} if kind is Select else {"max_gops": 2}
    asks = [Ask(video, "which colour ?") for video in videos]
    ordered, shuffled = ([*loaded.answerer(kind(order=order, **more)).viewer(asks)] for order in ("time", "shuffled"))
    again = loaded.answerer(kind(order="shuffled", **more)).viewer(asks)
    assert [_times(view) for view in shuffled] == [_times(view) for view in again]
    assert [_times(view) for view in shuffled] != [_times(view) for view in ordered]
    for own, other in zip(ordered, shuffled, strict=True):
        assert sorted(_times(own)) == sorted(_times(other))
        for chosen in ("I", "P"):
            features = {"I": "image_features", "P": "delta_embeds"}[chosen]
            old, new = (
                (
                    dict(zip([i for i in view.shown.items if i.kind == chosen], getattr(view.shown, features), strict=True))
                    for view in (own, other)
                    if getattr(view.shown, features) is not None
                )
                if getattr(own.shown, features) is not None
                else ({}, {})
            )
            assert all(torch.allclose(old[item], new[item], atol=1e-5) for item in old)


def test_the_middle_frame_is_one_uniform_frame(mllm) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = mllm
    (view,) = loaded.answerer(Select(frames=1)).viewer([Ask(videos[0], "?")])
    assert _times(view) == [24.0]  # of 48 seconds


def test_a_random_choice_is_one_of_the_options_by_the_seed(mllm) -> None:  # type: ignore[no-untyped-def]
    options = ("red", "blue", "green")
    asks = [Ask(mllm[1][0], f"question {number} ?", choices=options) for number in range(200)]
    drawn = [answer.raw for _, answer in ChanceAnswerer(0).answer(asks, [8] * 200)]
    assert drawn == [answer.raw for _, answer in ChanceAnswerer(0).answer(asks, [8] * 200)]
    assert drawn != [answer.raw for _, answer in ChanceAnswerer(1).answer(asks, [8] * 200)]
    assert {raw: 45 < drawn.count(raw) < 90 for raw in set(drawn)} == dict.fromkeys(options, True)
    ((_, answer),) = ChanceAnswerer(0).answer([Ask(mllm[1][0], "open ?")], [8])
    assert answer.raw == "" and answer.visual_tokens == 0
    with pytest.raises(ValueError, match="asks no model"):
        mllm[0].answerer(Chance())
