"""Reducers in the answering path: what a sampling's `reducer` changes, and what it must leave alone."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from framethrift.config import Study
from framethrift.config.reduction import Reduction
from framethrift.config.sampling import Select, Stream
from framethrift.evaluation.layer_steps import LayerSteps
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.latency import measure
from framethrift.models.encoder_attention import observed_encoder, pooled_to, split_features
from framethrift.reducers import REDUCERS
from framethrift.reducers.protocol import ReductionError

LAYER_OPTIONS = {"fastv": {"layer": 1}, "dycoke_decode": {"layer": 0}, "quickvideo": {"group": 1}, "videollm_mod": {"every": 2}}


@pytest.fixture(scope="module")
def cope(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    asked = load_asked(study, layout, "mini_motion")
    asks = [Ask(asked.videos[q.video_id], q.question, asked.donors.get(q.video_id), q.evidence) for q in asked.present]
    return load_variant(study, layout, "cope", 0, "cpu"), asks


def answers(loaded, sampling, asks, tokens=3):  # type: ignore[no-untyped-def]
    found = dict(loaded.answerer(sampling).answer(asks, [tokens] * len(asks)))
    return [found[index] for index in range(len(asks))]


@pytest.mark.parametrize("delta", ["keep", "drop"])
def test_keeping_everything_shows_the_same(cope, delta) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    plain, whole = Stream(delta=delta), Stream(delta=delta, reducer=Reduction(name="uniform", share=1))
    for before, after in zip(*(loaded.answerer(sampling).viewer(asks) for sampling in (plain, whole)), strict=True):
        assert after.shown.visual_tokens == before.shown.visual_tokens
        assert after.shown.stream == before.shown.stream.replace("<|image|>", "<|delta|>")
    left, right = (answers(loaded, sampling, asks) for sampling in (plain, whole))
    assert [a.raw for a in left] == [a.raw for a in right] and [a.shown for a in left] == [a.shown for a in right]


@pytest.mark.parametrize("name", REDUCERS)
def test_every_reducer_answers_with_fewer_tokens(cope, name) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    full = answers(loaded, Stream(delta="drop"), asks)
    options = {"heads": 4} if name == "longvlm" else {}
    sampling = Stream(delta="drop", reducer=Reduction(name=name, share=0.5, options=options, newlines="none"))
    fewer = answers(loaded, sampling, asks)
    assert len(fewer) == len(asks)
    for little, much in zip(fewer, full, strict=True):
        # Two frames of 16 tokens with 4 newlines each; CacheFlow keeps one of them and a token of the other.
        assert much.visual_tokens == 40 and 1 <= little.visual_tokens <= 16 + (name == "cacheflow")
        assert little.shown == much.shown
    assert loaded.answerer(sampling).viewer(asks)[0].shown.visual_tokens == fewer[0].visual_tokens


def test_newlines_follow_rows_frames_or_nothing(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope

    def stream(newlines: str) -> str:
        reduction = Reduction(name="recent", share=0.5, newlines=newlines)  # type: ignore[arg-type]
        return loaded.answerer(Stream(delta="drop", reducer=reduction)).viewer(asks[:1])[0].shown.stream

    token, newline = "<|delta|>", "<|newline|>"
    newline = stream("frames").replace(token, "")
    assert stream("rows") == (token * 4 + newline) * 4
    assert stream("frames") == token * 16 + newline and stream("none") == token * 16


def test_p_frames_stay_where_they_are(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    reduction = Reduction(name="uniform", share=0.25, newlines="none")
    plain, shown = (loaded.answerer(s).viewer(asks[:1])[0].shown for s in (Stream(), Stream(reducer=reduction)))
    fused = loaded.processor.expand([item for item in plain.items if item.kind == "P"][:1])
    assert shown.stream == ("<|delta|>" * 4 + fused) * 2
    torch.testing.assert_close(shown.delta_embeds[4:8, 0], plain.delta_embeds[0])


def test_a_reducer_reduces_selected_frames(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    sampling = Select(frames=2, candidate_fps=4, reducer=Reduction(name="visionzip", share=0.25))
    found = answers(loaded, sampling, asks)
    full = answers(loaded, sampling.model_copy(update={"reducer": None}), asks)
    assert all(little.visual_tokens < much.visual_tokens / 2 for little, much in zip(found, full, strict=True))


@torch.inference_mode()
def test_observed_attention_is_the_encoders_own(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, _ = cope
    model = loaded.model
    side, width = model.config.vision_config.image_size, model.config.vision_config.hidden_size
    pixels = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    plain = model.vision_features(pixels)
    with observed_encoder(model):
        observed = model.vision_features(pixels)
        embedded = model.image_embeddings(observed)
    features, received, keys = split_features(observed, width)
    torch.testing.assert_close(features, plain)
    torch.testing.assert_close(embedded, model.image_embeddings(plain))
    assert model.vision_features(pixels).shape == plain.shape, "the hooks are gone"

    tower = model.vision_tower
    before = tower.config._attn_implementation
    tower.set_attn_implementation("eager")
    weights: list[torch.Tensor] = []
    last = tower.encoder.layers[-1].self_attn
    handles = [
        last.register_forward_hook(lambda module, args, output: weights.append(output[1])),
        last.k_proj.register_forward_hook(lambda module, args, output: weights.append(output)),
    ]
    model.vision_features(pixels)
    for handle in handles:
        handle.remove()
    tower.set_attn_implementation(before)
    own_keys, attention = weights
    torch.testing.assert_close(received, attention.mean(dim=(1, 2)), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(keys, own_keys)
    patches = int(received.shape[1] ** 0.5)
    pooled = pooled_to(received[..., None], patches, 2)
    assert pooled.shape == (2, 4, 1) and torch.equal(pooled_to(keys, patches, patches), keys)


@pytest.mark.parametrize("name", LAYER_OPTIONS)
def test_layer_reducers_answer_as_before_at_share_one_and_each_question_alone(cope, name) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    plain = [a.raw for a in answers(loaded, Stream(), asks)]
    whole = Stream(reducer=Reduction(name=name, share=1, options=LAYER_OPTIONS[name]))
    assert [a.raw for a in answers(loaded, whole, asks)] == plain
    little = whole.model_copy(update={"reducer": Reduction(name=name, share=0.1, options=LAYER_OPTIONS[name])})
    together = [a.raw for a in answers(loaded, little, asks)]
    alone = [answers(loaded, little, [ask])[0].raw for ask in asks]
    assert together == alone


def test_layer_costs_are_those_of_the_tokens_left(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    model = loaded.model
    answerer = loaded.answerer(Stream(delta="drop", reducer=Reduction(name="fastv", share=0.25, options={"layer": 1})))
    assert isinstance(answerer.steps, LayerSteps)
    ((_, answer),) = answerer.answer(asks[:1], [2])
    shown = answerer.viewer(asks[:1])[0].shown
    length = shown.conversation(loaded.processor, [asks[0].question]).length
    layers = model.config.text_config.num_hidden_layers
    assert [answerer.steps.hooks[0, 0].read[layer] for layer in range(layers)] == [length] + [length - 24] * (layers - 1)
    costs, plain = answerer.costs(shown, length), loaded.answerer(Stream()).costs(shown, length)
    assert answer.costs == costs and (costs["kept_share"], plain["kept_share"]) == (0.25, 1)
    assert costs["prefill_flops"] < plain["prefill_flops"]
    text = model.config.text_config
    per_token = 2 * 4 * text.num_key_value_heads * text.hidden_size // text.num_attention_heads
    assert costs["cache_bytes"] == per_token * (length + (layers - 1) * (length - 24))


@pytest.mark.parametrize("name", LAYER_OPTIONS)
def test_costs_are_a_questions_own_beside_an_equally_long_prompt_with_less_to_see(cope, name) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    sampling = Stream(delta="drop", reducer=Reduction(name=name, share=0.5, options=LAYER_OPTIONS[name]))
    first, short = replace(asks[0], question="right"), replace(asks[0], question="right", span=(0.0, 0.0))
    much, less = (view.shown.visual_tokens for view in loaded.answerer(sampling).viewer([first, short]))
    wordy = replace(short, question=" ".join(["right"] * (1 + (much - less) // 2)))  # with a space each
    ids = loaded.processor.question_ids
    assert (much, less) == (40, 20) and len(ids(wordy.question)) == len(ids(first.question)) + 20
    for both in ([first, wordy], [wordy, first]):
        together, alone = answers(loaded, sampling, both), [answers(loaded, sampling, [ask])[0] for ask in both]
        assert [own.costs for own in together] == [own.costs for own in alone]
        assert [own.raw for own in together] == [own.raw for own in alone]


def test_latency_states_reduction_and_costs(cope, tiny, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    answerer = loaded.answerer(Stream(reducer=Reduction(name="dycoke", share=0.75)))
    figures, view = measure._time(answerer, asks[0].video, 2)
    assert figures["reduction_s"] > 0 and view.shown.visual_tokens < 52
    assert answerer.viewer.achieved == {"kept_tokens": 24, "kept_share": 0.75, "k": 0.5}
    assert answerer.costs(view.shown, 60)["kept_share"] == view.shown.kept_share == 0.75
    figures, _ = measure._time(loaded.answerer(Stream()), asks[0].video, 2)
    assert figures["reduction_s"] == 0


def test_a_wrong_reducer_is_refused(cope, tiny) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    with pytest.raises(ReductionError, match="'none_such' is not registered"):
        loaded.answerer(Stream(reducer=Reduction(name="none_such", share=0.5)))
    with pytest.raises(ReductionError, match="layer: FastV needs 100 layers"):
        answers(loaded, Stream(reducer=Reduction(name="fastv", share=0.5, options={"layer": 99})), asks[:1])
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Reduction(name="fastv", share=2)
    study, _ = tiny
    given = study.model_dump(mode="json")
    given["samplings"]["few"] = {"kind": "stream", "reducer": {"name": "uniform", "share": 0.5}}
    given["variants"]["cope"]["samplings"] = ["few"]
    with pytest.raises(ValidationError, match="'few' has a reducer, which is for inference"):
        Study.model_validate(given)


def test_views_of_one_video_are_shared(cope) -> None:  # type: ignore[no-untyped-def]
    loaded, asks = cope
    both = [asks[0], replace(asks[0], question="again ?")]
    first, second = loaded.answerer(Stream(reducer=Reduction(name="random", share=0.5))).viewer(both)
    assert first.shown is second.shown
