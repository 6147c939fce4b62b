"""Frames shown at sizes that follow their ranks, end to end on a model with random weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from framethrift.codec import read_frames
from framethrift.config import Study
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Select, Tiered
from framethrift.config.training import KeyFrames
from framethrift.evaluation.backbones import Backbone
from framethrift.evaluation.loading import kept_scoring, load_variant
from framethrift.evaluation.plain import PlainAnswerer
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask, draws
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.evaluation.tiering import TieredViewer
from framethrift.models.clip import similarity
from framethrift.reporting.labels import sampling_label
from framethrift.selectors import SelectorInput, select
from framethrift.tokens import ContextOverflow

TIERS = Tiered(selector="top_k", high=1, mid=2, low=3)
SIDES = (4, 2, 2, 1, 1, 1)


@pytest.fixture(scope="module")
def shown(tiny):  # type: ignore[no-untyped-def]
    """A random MLLM that sees whole frames as 4 x 4 tokens, the CLIP, three questions, and the viewer of TIERS."""
    study, layout = tiny
    loaded, asked = load_variant(study, layout, "mllm", 0, "cpu"), load_asked(study, layout, "mini_needle")
    loaded = replace(loaded, key_frames=loaded.key_frames.model_copy(update={"grid": None}))
    asks = [Ask(asked.videos[question.video_id], question.question) for question in asked.present[:3]]
    scoring = kept_scoring(layout, 1.0)
    return loaded, scoring, asks, loaded.answerer(TIERS, scoring)


def _scores(scoring, ask):  # type: ignore[no-untyped-def]
    return similarity(scoring.scorer.embed_texts([ask.question]), scoring.embeddings(ask.video)[1])[0]


def test_frames_stand_in_time_at_the_sides_of_their_ranks(shown) -> None:  # type: ignore[no-untyped-def]
    _, scoring, asks, answerer = shown
    assert isinstance(answerer.viewer, TieredViewer)
    for ask, view in zip(asks, answerer.viewer(asks), strict=True):
        best = np.argsort(-_scores(scoring, ask), kind="stable")[:6].tolist()  # candidates at one a second: places are seconds
        wanted = sorted(zip(best, SIDES, strict=True))
        assert [item.time for item in view.shown.items] == [float(place) for place, _ in wanted]
        assert view.shown.image_grids == tuple(side for _, side in wanted)
        rows = [("<|image|>" * side + "<|newline|>") * side for _, side in wanted]
        assert view.shown.stream == "".join(rows)
        assert view.shown.visual_tokens == view.shown.stream.count("<|") == 20 + 2 * 6 + 3 * 2 == answerer.cost(ask)
    assert len({view.shown.image_grids for view in answerer.viewer(asks)}) > 1  # the ranks are the questions' own


def test_logits_are_those_of_every_frame_seen_alone_at_its_side(shown) -> None:  # type: ignore[no-untyped-def]
    loaded, scoring, asks, answerer = shown
    model, processor, ask = loaded.model, loaded.processor, asks[0]
    best = np.argsort(-_scores(scoring, ask), kind="stable")[:6].tolist()
    with torch.inference_mode():
        visual = []
        for place, side in sorted(zip(best, SIDES, strict=True)):
            frame = processor.pixels(read_frames(ask.video.path, [float(place)]))
            tokens = model.image_embeddings(model.vision_features(frame), side).reshape(side, side, -1)
            newline = model.image_newline.expand(side, 1, -1)
            visual.append(torch.cat([tokens, newline], dim=1).reshape(side * (side + 1), -1))
        embed = model.get_input_embeddings()
        before = embed(torch.tensor(processor.prefix_ids("") + processor.tokenizer("\n")["input_ids"]))
        after = embed(torch.tensor(processor.question_ids(ask.question)))
        expected = model(inputs_embeds=torch.cat([before, *visual, after])[None]).logits[0, -1]
        view = answerer.viewer([ask])[0].shown
        ids = processor.prefix_ids(view.stream) + processor.question_ids(ask.question)
        given = {"image_features": view.image_features, "image_grids": torch.tensor(view.image_grids)}
        logits = model(input_ids=torch.tensor([ids]), **given).logits[0, -1]
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    _, answer = next(answerer.answer([ask], [1]))
    assert answer.raw == processor.tokenizer.decode([int(expected.argmax())])
    assert answer.visual_tokens == 38 and len(answer.shown) == 6


def test_q_frame_shows_the_frames_that_it_shows_whole(shown) -> None:  # type: ignore[no-untyped-def]
    loaded, scoring, asks, _ = shown
    (view,) = loaded.answerer(Tiered(high=1, mid=2, low=3), scoring).viewer(asks[:1])
    times = np.arange(48.0)
    scores = _scores(scoring, asks[0])[None].astype(np.float64)
    rng = draws(0, asks[0].video.video_id, asks[0].question)
    given = SelectorInput(times, scores, "", 6, rng, logit_scale=scoring.scorer.logit_scale)
    assert [item.time for item in view.shown.items] == times[select("q_frame", given)].tolist()
    assert sorted(view.shown.image_grids, reverse=True) == list(SIDES)


def test_fewer_candidates_than_tiers_fill_them_by_rank(shown) -> None:  # type: ignore[no-untyped-def]
    _, scoring, asks, answerer = shown
    short = replace(asks[0], span=(10.0, 13.0))
    (view,) = answerer.viewer([short])
    best = (10 + np.argsort(-_scores(scoring, short)[10:14], kind="stable")).tolist()
    assert [item.time for item in view.shown.items] == [10.0, 11.0, 12.0, 13.0]
    assert view.shown.image_grids == tuple(SIDES[best.index(place)] for place in range(10, 14))
    assert view.shown.visual_tokens == 20 + 6 + 6 + 2 < answerer.cost(short)


def test_what_does_not_fit_is_refused_before_anything_is_read(shown, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    loaded, scoring, asks, _ = shown
    text = loaded.processor.text_tokens(asks[0].question)
    monkeypatch.setattr(loaded.model.config.text_config, "max_position_embeddings", 37 + text)
    monkeypatch.setattr("framethrift.evaluation.selection.read_frames", lambda *given: pytest.fail("something was read"))
    with pytest.raises(ContextOverflow, match=r"sampling six: 6 frames in tiers are 38 visual tokens.*by 1 tokens"):
        loaded.answerer(TIERS, scoring, "six").viewer(asks[:1])


def test_baselines_training_and_the_arena_refuse_tiers(tiny) -> None:  # type: ignore[no-untyped-def]
    class Other(Backbone):
        """Nothing of it is asked."""

    with pytest.raises(ValueError, match="kind: tiered: a Other sees all frames at one size"):
        PlainAnswerer(Other.__new__(Other), TIERS, Stopwatch(torch.device("cpu")), key_frames=KeyFrames(frames=3, previews=2))
    settings = tiny[0].model_dump(mode="json")
    settings["samplings"]["tiers"] = TIERS.model_dump()
    settings["variants"]["qwen"] = {"kind": "baseline", "family": "qwen2_5_vl", "source": "folder"}
    assert Study.model_validate(settings).needs_clip("tiers")
    cells = [{"variants": ["qwen"], "samplings": ["tiers"], "benchmarks": ["mini_needle"]}]
    with pytest.raises(ValueError, match=r"'qwen' \(qwen2_5_vl\) cannot be shown 'tiers': a baseline sees all frames at"):
        Study.model_validate(settings | {"cells": cells})
    mllm = settings["variants"]["mllm"] | {"samplings": ["tiers"]}
    with pytest.raises(ValueError, match=r"variants.mllm.samplings: 'tiers' \(kind: tiered\) is for inference"):
        Study.model_validate(settings | {"variants": settings["variants"] | {"mllm": mllm}})
    arena = {"variants": ["mllm"], "sampling": "tiers", "methods": ["uniform"], "budgets": [50], "benchmarks": ["mini_needle"]}
    with pytest.raises(ValueError, match=r"arena.sampling: 'tiers' \(kind: tiered\) is not reduced"):
        Study.model_validate(settings | {"arena": arena})


def test_a_label_names_the_tiers() -> None:
    assert sampling_label(Tiered(), Recipe()) == "q frame, 4 + 8 + 32 frames at full, half and quarter side, question as query"
    assert sampling_label(Select(selector="q_frame", frames=8, queries="question"), Recipe()) == (
        "q frame, 8 frames, question as query"
    )
