"""A stream, or a choice of frames, too long for the model is refused by name before anything is read, with what would fit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from framethrift.config.sampling import Select, Stream
from framethrift.evaluation.loading import Loaded, load_answering, load_variant
from framethrift.evaluation.questions import EncodedVideo, load_asked
from framethrift.evaluation.shown import Ask
from framethrift.tokens import ContextOverflow, token_budget


@pytest.fixture
def narrow(tiny) -> Iterator[tuple[Loaded, EncodedVideo, int]]:  # type: ignore[no-untyped-def]
    """A model whose context holds one GOP with every slot as a key frame, and a prompt's text."""
    study, layout = tiny
    loaded = load_variant(study, layout, "cope", 0, "cpu")
    video = next(iter(load_asked(study, layout, "mini_motion").videos.values()))
    text = loaded.processor.text_tokens("where is it ?")
    text_config = loaded.model.config.text_config
    text_config.max_position_embeddings = token_budget((2, 0), loaded.processor.costs()) + text
    yield loaded, video, text


def test_a_stream_is_refused_with_the_gops_that_fit(narrow) -> None:  # type: ignore[no-untyped-def]
    loaded, video, text = narrow
    gone = replace(video, path=Path("gone.mp4"))  # nothing of it is read
    ask = Ask(gone, "where is it ?")
    dense = Stream(keyframes_per_gop=2, delta="drop")
    with pytest.raises(ContextOverflow) as refused:
        loaded.answerer(dense, name="dense").viewer([ask])
    said = str(refused.value)
    assert said.startswith("sampling dense: 4 I-frames and 0 P-frames of 2 GOPs are 80 visual tokens")
    assert f"with {text} tokens of text they exceed the context of {40 + text}" in said and "Lower max_gops to 1," in said
    with pytest.raises(ContextOverflow, match=r'sampling \{"keyframes_per_gop":2,"delta":"drop"\}: '):
        loaded.answerer(dense).viewer([ask])
    (view,) = loaded.answerer(dense.model_copy(update={"max_gops": 1})).viewer([Ask(video, "where is it ?")])
    assert view.shown.visual_tokens == 40


def test_frames_are_refused_with_the_number_that_fits(narrow) -> None:  # type: ignore[no-untyped-def]
    loaded, video, text = narrow
    loaded = replace(loaded, key_frames=loaded.key_frames.model_copy(update={"grid": None}))
    sampling = Select(selector="uniform", frames=6, candidate_fps=12)
    with pytest.raises(ContextOverflow, match=r"sampling six: 6 frames are 120 visual tokens.*Lower frames to 2$"):
        loaded.answerer(sampling, name="six").viewer([Ask(video, "where is it ?")])
    (view,) = loaded.answerer(sampling.model_copy(update={"frames": 2})).viewer([Ask(video, "where is it ?")])
    assert view.shown.visual_tokens == 40 and text > 0


def test_a_cell_names_its_sampling(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    answering, _ = load_answering(study, layout, "cope", "dense", 0, "cpu")
    answering.model.config.text_config.max_position_embeddings = 30  # type: ignore[attr-defined]
    video = next(iter(load_asked(study, layout, "mini_motion").videos.values()))
    with pytest.raises(ContextOverflow, match="sampling dense: "):
        next(answering.answer([Ask(video, "?")], [1]))
