"""What is shown: streams, their controls, selected frames, and that the work per video is done once."""

from collections import Counter

import numpy as np
import pytest
import torch

from framethrift.codec import read_frames, read_gops
from framethrift.codec.energy import packet_bytes
from framethrift.config.sampling import Select, Stream
from framethrift.evaluation.loading import fresh_scoring, kept_scoring, load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.selectors import SelectionError, SelectorInput, select


@pytest.fixture(scope="module")
def cope(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    return load_variant(study, layout, "cope", 0, "cpu"), load_asked(study, layout, "mini_motion")


@pytest.fixture(scope="module")
def mllm(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    return load_variant(study, layout, "mllm", 0, "cpu"), load_asked(study, layout, "mini_needle")


def _asks(asked, videos=None):  # type: ignore[no-untyped-def]
    return [
        Ask(asked.videos[q.video_id], q.question, asked.donors.get(q.video_id), q.evidence)
        for q in asked.present
        if videos is None or q.video_id in videos
    ]


def _view(loaded, asked, sampling, **scoring):  # type: ignore[no-untyped-def]
    return loaded.answerer(sampling, **scoring).viewer(_asks(asked))


def test_a_stream_holds_the_tower_and_delta_tokens_of_the_planned_slots(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    model, processor = loaded.model, loaded.processor
    for ask, view in zip(_asks(asked), _view(loaded, asked, Stream()), strict=True):
        shown = view.shown
        assert [(i.kind, i.gop, i.slot) for i in shown.items] == [("I", 0, 0), ("P", 0, 1), ("I", 1, 0), ("P", 1, 1)]
        assert shown.visual_tokens == 2 * (16 + 4) + 2 * (2 + 2 + 2)
        assert shown.stream.count("<|image|>") == 32 and shown.stream.count("<|delta|>") == 8
        gops = list(read_gops(ask.video.path, 4))
        frames = np.stack([gop.frames[0] for gop in gops])
        with torch.inference_mode():
            features = model.vision_features(processor.pixels(frames))
            primitives = processor.primitives(
                np.concatenate([g.motion for g in gops]), np.concatenate([g.residual for g in gops])
            )
            deltas = model.delta_embeddings(*primitives)
        assert torch.allclose(shown.image_features, features, atol=1e-5)
        assert torch.allclose(shown.delta_embeds, deltas, atol=1e-5)


def test_controls_change_the_delta_tokens_and_nothing_else(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    asks = _asks(asked)
    kept = _view(loaded, asked, Stream())
    views = {use: _view(loaded, asked, Stream(delta=use)) for use in ("zero", "swap", "motion-only", "residual-only")}
    for use, others in views.items():
        for own, other in zip(kept, others, strict=True):
            assert other.shown.items == own.shown.items and other.shown.stream == own.shown.stream, use
            assert torch.equal(other.shown.image_features, own.shown.image_features), use
            assert not torch.allclose(other.shown.delta_embeds, own.shown.delta_embeds), use
    zero = loaded.model.delta_embeddings(torch.rand(1, 2, 32, 32), torch.rand(1, 3, 32, 32), "zero")
    for view in views["zero"]:
        assert torch.allclose(view.shown.delta_embeds, zero.expand_as(view.shown.delta_embeds))
    own = {ask.video.video_id: view.shown for ask, view in zip(asks, kept, strict=True)}
    for ask, view in zip(asks, views["swap"], strict=True):
        assert torch.allclose(view.shown.delta_embeds, own[ask.donor.video_id].delta_embeds, atol=1e-6)


def test_a_donor_with_fewer_p_frames_starts_again(cope, mllm) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    short, long = next(iter(asked.videos.values())), next(iter(mllm[1].videos.values()))
    viewer = loaded.answerer(Stream(delta="swap")).viewer
    (given,) = loaded.answerer(Stream()).viewer([Ask(short, "?")])
    (view,) = viewer([Ask(long, "?", short)])
    deltas, source = view.shown.delta_embeds, given.shown.delta_embeds
    assert len(source) == 2 and len(deltas) == sum(item.kind == "P" for item in view.shown.items) > 2
    assert torch.equal(deltas, source[torch.arange(len(deltas)) % 2])
    with pytest.raises(ValueError, match="swap needs a second video"):
        viewer([Ask(long, "?")])


def test_key_frames_alone_show_the_same_pictures_as_the_stream(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    for dropped, kept in zip(_view(loaded, asked, Stream(delta="drop")), _view(loaded, asked, Stream()), strict=True):
        assert [i for i in kept.shown.items if i.kind == "I"] == list(dropped.shown.items)
        assert torch.allclose(dropped.shown.image_features, kept.shown.image_features, atol=1e-5)
        assert dropped.shown.delta_embeds is None and dropped.shown.visual_tokens == 40


def test_long_videos_show_uniform_gops_and_only_those_are_read(mllm, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = mllm
    read: list[list[int]] = []

    def spy(path, window, gops=None, **options):  # type: ignore[no-untyped-def]
        read.append(gops)
        return read_gops(path, window, gops, **options)

    monkeypatch.setattr("framethrift.evaluation.streams.read_gops", spy)
    (view,) = loaded.answerer(Stream(max_gops=3)).viewer([Ask(next(iter(asked.videos.values())), "?")])
    assert sorted({item.gop for item in view.shown.items}) == [0, 2, 5] == read[0]


def test_every_video_is_read_and_seen_once_for_all_its_questions(cope, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    opened: Counter = Counter()

    def spy(path, window, gops=None, **options):  # type: ignore[no-untyped-def]
        opened[path] += 1
        return read_gops(path, window, gops, **options)

    monkeypatch.setattr("framethrift.evaluation.streams.read_gops", spy)
    shuffled = _asks(asked)
    np.random.default_rng(0).shuffle(shuffled)  # type: ignore[arg-type]
    answers = dict(loaded.answerer(Stream()).answer(shuffled, [2] * len(shuffled)))
    assert sorted(answers) == list(range(20))
    assert set(opened.values()) == {1} and len(opened) == 4


def test_answers_do_not_depend_on_order_or_company(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = cope
    asks = _asks(asked)
    together = {asks[n]: answer.raw for n, answer in loaded.answerer(Stream()).answer(asks, [3] * len(asks))}
    alone = {ask: next(loaded.answerer(Stream()).answer([ask], [3]))[1].raw for ask in asks[::3]}
    assert alone == {ask: together[ask] for ask in alone}
    assert len(set(together.values())) > 1


def test_selected_frames_are_the_selectors_at_the_small_grid(mllm) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = mllm
    asks = _asks(asked)
    for ask, view in zip(asks, _view(loaded, asked, Select(selector="oracle", frames=3)), strict=True):
        times = np.arange(48.0)
        given = SelectorInput(times, None, ask.question, 3, np.random.default_rng(0), ask.evidence)
        wanted = select("oracle", given)
        assert [item.time for item in view.shown.items] == times[wanted].tolist()
        assert view.shown.image_grids == (2, 2, 2) and view.shown.visual_tokens == 3 * (4 + 2)
        with torch.inference_mode():
            pictures = loaded.processor.pixels(read_frames(ask.video.path, times[wanted]))
            assert torch.allclose(view.shown.image_features, loaded.model.vision_features(pictures), atol=1e-5)


def test_packet_sizes_choose_frames_without_a_question(mllm) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = mllm
    for ask, view in zip(_asks(asked), _view(loaded, asked, Select(selector="packet_size", frames=3)), strict=True):
        given = inputs_of(ask, packet_bytes(ask.video.path, np.arange(48.0)))
        assert [item.slot for item in view.shown.items] == select("packet_size", given).tolist()


def inputs_of(ask, spent):  # type: ignore[no-untyped-def]
    """A selector's inputs: three of 48 candidates at one a second."""
    return SelectorInput(np.arange(48.0), None, ask.question, 3, np.random.default_rng(0), packet_bytes=spent)


def test_scored_selection_uses_the_question_or_the_written_queries(tiny, mllm) -> None:  # type: ignore[no-untyped-def]
    layout = tiny[1]
    loaded, asked = mllm
    kept, fresh = kept_scoring(layout, 1.0), fresh_scoring(layout.clip, 1.0)
    question = Select(selector="top_k", frames=3, queries="question")
    views = _view(loaded, asked, question, scoring=kept)
    again = _view(loaded, asked, question, scoring=fresh)
    for ask, view, other in zip(_asks(asked), views, again, strict=True):
        assert view.queries == (ask.question,) and view.query_text == ""
        assert view.shown.items == other.shown.items
    reasoned = _view(loaded, asked, Select(selector="top_k", frames=3, queries="reasoned"), scoring=kept)
    for ask, view in zip(_asks(asked), reasoned, strict=True):
        assert view.query_text and view.queries == (ask.question,)  # random weights write no well-formed query


def test_written_queries_choose_the_frames(tiny, mllm, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    layout = tiny[1]
    loaded, asked = mllm
    written = "<query>red square</query><query>blue disc</query>"
    ids = loaded.processor.tokenizer(written)["input_ids"]

    def answer(model, tokenizer, conversations, length):  # type: ignore[no-untyped-def]
        assert all(len(c.image_grids) == 2 and set(c.image_grids) == {2} for c in conversations)
        return [[ids for _ in c.questions] for c in conversations]

    monkeypatch.setattr("framethrift.evaluation.selection.decode", answer)
    scoring = kept_scoring(layout, 1.0)
    views = _view(loaded, asked, Select(selector="top_k", frames=3, queries="reasoned"), scoring=scoring)
    frames = {video_id: scoring.embeddings(video)[1].astype(np.float32) for video_id, video in asked.videos.items()}
    texts = scoring.scorer.embed_texts(["red square", "blue disc"])
    for ask, view in zip(_asks(asked), views, strict=True):
        assert view.queries == ("red square", "blue disc") and view.query_text == written
        best = (texts @ frames[ask.video.video_id].T).max(axis=0)
        assert {item.slot for item in view.shown.items} == set(np.argsort(-best, kind="stable")[:3].tolist())


def test_the_sampler_network_decides_only_for_variants_that_have_one(tiny, mllm) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    bare, asked = mllm
    scoring = kept_scoring(layout, 1.0)
    chosen = study.samplings["msjoe"]
    with pytest.raises(SelectionError, match="msjoe needs a sampler"):
        _view(bare, asked, chosen, scoring=scoring)
    sampler = load_variant(study, layout, "sampler", 0, "cpu")
    joint = load_variant(study, layout, "joint", 0, "cpu")
    weights = [torch.cat([value.flatten() for value in loaded.model.parameters()]) for loaded in (bare, sampler, joint)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    views = _view(sampler, asked, chosen, scoring=scoring)
    uniform = _view(bare, asked, Select(selector="uniform", frames=3))
    assert [v.shown.items for v in views] != [v.shown.items for v in uniform]
    assert [v.shown.items for v in views] == [v.shown.items for v in _view(sampler, asked, chosen, scoring=scoring)]


def test_scoring_without_a_clip_is_refused(mllm) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="needs a CLIP"):
        mllm[0].answerer(Select(selector="top_k", queries="question"))
