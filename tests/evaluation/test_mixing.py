"""CoPE x MSJoE: chosen frames as I-frames, every other slot as Δ-tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from framethrift.codec import read_frames, read_gops
from framethrift.config import Study
from framethrift.config.sampling import Select
from framethrift.evaluation.loading import kept_scoring, load_variant
from framethrift.evaluation.mixing import MixedViewer
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.tokens import ContextOverflow, token_budget

MIXED = Select(selector="uniform", frames=3, rest="delta")


@pytest.fixture(scope="module")
def shown(tiny):  # type: ignore[no-untyped-def]
    """A random MLLM, the asks of the needle questions, and what they are shown under MIXED."""
    study, layout = tiny
    loaded, asked = load_variant(study, layout, "mllm", 0, "cpu"), load_asked(study, layout, "mini_needle")
    asks = [Ask(asked.videos[question.video_id], question.question, None, question.evidence) for question in asked.present]
    answerer = loaded.answerer(MIXED)
    assert isinstance(answerer.viewer, MixedViewer)
    return loaded, asks, answerer.viewer(asks), answerer


def test_chosen_frames_are_the_towers_and_the_rest_the_delta_encoders(shown) -> None:  # type: ignore[no-untyped-def]
    loaded, asks, views, _ = shown
    model, processor = loaded.model, loaded.processor
    ask, view = asks[0], views[0].shown
    # 48 frames in 6 GOPs of 8 slots: three key frames at 8, 24 and 40 s, which all are slot 0 of their GOP.
    assert [item.time for item in view.items if item.kind == "I"] == [8.0, 24.0, 40.0]
    assert len(view.items) == 3 + 6 * 7 and [item.time for item in view.items] == sorted(item.time for item in view.items)
    assert not {item.time for item in view.items} & {0.0, 16.0, 32.0}
    with torch.inference_mode():
        features = model.vision_features(processor.pixels(read_frames(ask.video.path, [8.0, 24.0, 40.0])))
        gops = list(read_gops(ask.video.path, 1))
        primitives = processor.primitives(np.concatenate([g.motion for g in gops]), np.concatenate([g.residual for g in gops]))
        deltas = model.delta_embeddings(*primitives)
    torch.testing.assert_close(view.image_features, features, atol=1e-5, rtol=0)
    torch.testing.assert_close(view.delta_embeds, deltas, atol=1e-5, rtol=0)
    assert view.image_grids == (2, 2, 2)


def test_tokens_are_counted_and_bounded_before_anything_is_decoded(shown) -> None:  # type: ignore[no-untyped-def]
    loaded, asks, views, answerer = shown
    costs = loaded.processor.costs(2)
    for ask, view in zip(asks, views, strict=True):
        assert view.shown.visual_tokens == token_budget(view.shown.items, costs) == 3 * 6 + 42 * 6
        assert view.shown.stream.count("<|image|>") == 12 and view.shown.stream.count("<|delta|>") == 42 * 4
        assert answerer.cost(ask) >= view.shown.visual_tokens


def test_questions_with_their_own_frames_share_the_videos_delta_tokens(shown, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, asks, _, _ = shown
    sizes = []
    original = loaded.model.delta_embeddings
    monkeypatch.setattr(loaded.model, "delta_embeddings", lambda tau, *rest: sizes.append(len(tau)) or original(tau, *rest))
    own = [ask for ask in asks if ask.video == asks[0].video]
    views = loaded.answerer(Select(selector="oracle", frames=3, rest="delta")).viewer(own)
    assert len({tuple(item.time for item in view.shown.items if item.kind == "I") for view in views}) > 1
    assert sum(sizes) == 42
    for view in views:
        assert sum(item.kind == "P" for item in view.shown.items) == len(view.shown.delta_embeds)


def test_the_same_frames_between_other_spans_are_another_view(shown) -> None:  # type: ignore[no-untyped-def]
    loaded, asks, _, _ = shown
    late = Select(selector="oracle", frames=1, rest="delta")
    first, second = (replace(asks[0], evidence=((20.0, 20.0),), span=span) for span in ((16.0, 23.0), (8.0, 31.0)))
    views = loaded.answerer(late).viewer([first, second])
    assert {item.time for view in views for item in view.shown.items if item.kind == "I"} == {20.0}
    assert [len(view.shown.items) for view in views] == [7, 21]
    alone = [loaded.answerer(late).viewer([ask])[0].shown.items for ask in (first, second)]
    assert [view.shown.items for view in views] == alone
    same = loaded.answerer(late).viewer([first, replace(first, question="again ?")])
    assert same[0].shown is same[1].shown


def test_p_frames_count_when_a_stream_is_too_long(shown, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, asks, views, _ = shown
    visual, text = views[0].shown.visual_tokens, loaded.processor.text_tokens(asks[0].question)
    monkeypatch.setattr(loaded.model.config.text_config, "max_position_embeddings", visual + text - 1)
    monkeypatch.setattr("framethrift.evaluation.selection.read_frames", lambda *given: pytest.fail("something was read"))
    with pytest.raises(ContextOverflow, match=f"sampling mixed: 3 I-frames and 42 P-frames are {visual} visual tokens"):
        loaded.answerer(MIXED, name="mixed").viewer(asks[:1])


def test_the_sampler_network_chooses_the_key_frames(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    loaded, asked = load_variant(study, layout, "sampler", 0, "cpu"), load_asked(study, layout, "mini_needle")
    asks = [Ask(asked.videos[question.video_id], question.question) for question in asked.present[:2]]
    plain = Select(selector="msjoe", frames=3, queries="reasoned")
    scoring = kept_scoring(layout, 1.0)
    alone = loaded.answerer(plain, scoring).viewer(asks)
    mixed = loaded.answerer(plain.model_copy(update={"rest": "delta"}), scoring).viewer(asks)
    for one, other in zip(alone, mixed, strict=True):
        assert [i.time for i in other.shown.items if i.kind == "I"] == [i.time for i in one.shown.items]
        torch.testing.assert_close(one.shown.image_features, other.shown.image_features)


def test_answers_come_and_repeat(shown) -> None:  # type: ignore[no-untyped-def]
    _, asks, _, answerer = shown
    first, again = (dict(answerer.answer(asks[:3], [4] * 3)) for _ in range(2))
    assert [first[index].raw for index in range(3)] == [again[index].raw for index in range(3)]
    assert {item["kind"] for item in first[0].shown} == {"I", "P"}


def test_what_it_cannot_be_combined_with_is_refused(tiny) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="temporal order"):
        Select(selector="uniform", rest="delta", order="shuffled")
    settings = tiny[0].model_dump(mode="json")
    settings["variants"]["other"] = {"kind": "baseline", "family": "qwen2_5_vl", "source": "folder"}
    settings["samplings"]["mixed"] = MIXED.model_dump()
    settings["cells"] = [{"variants": ["other"], "samplings": ["mixed"], "benchmarks": ["mini_needle"]}]
    with pytest.raises(ValueError, match="cannot be shown 'mixed'"):
        Study.model_validate(settings)
