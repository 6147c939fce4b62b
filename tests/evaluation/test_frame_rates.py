"""Table H.5: a model trained at one fusion window is shown videos at others; and a GOP's Δ-tokens collapsed into a summary."""

import numpy as np
import pytest
import torch

from framethrift.codec import encode_frames, read_video
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Stream
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import EncodedVideo, load_asked
from framethrift.evaluation.shown import Ask
from framethrift.reporting.labels import sampling_label
from framethrift.tokens import token_budget


@pytest.fixture(scope="module")
def parts(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    return load_variant(study, layout, "cope", 0, "cpu"), list(load_asked(study, layout, "mini_motion").videos.values())


@pytest.mark.parametrize(("window", "keyframes"), [(1, 4), (2, 1), (2, 2), (4, 1)])
def test_what_is_shown_are_the_windows_of_the_sampling(parts, window, keyframes) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = parts
    viewer = loaded.answerer(Stream(window=window, keyframes_per_gop=keyframes)).viewer
    for video in videos:
        (view,) = viewer([Ask(video, "?")])
        fused, slots = read_video(video.path, window), 8 // window
        assert fused.times.shape == (2, slots)
        keys = {index * slots // keyframes for index in range(keyframes)}
        expected = [("I" if s in keys else "P", g, s) for g in range(2) for s in range(slots)]
        assert [(item.kind, item.gop, item.slot) for item in view.shown.items] == expected
        assert [item.time for item in view.shown.items] == pytest.approx(fused.times.ravel(), abs=1e-3)
        # What is paid is what is shown, known beforehand without decoding.
        costs = loaded.processor.costs()
        assert view.shown.visual_tokens == viewer.cost(Ask(video, "?")) == 2 * token_budget((keyframes, slots - keyframes), costs)
        others = [slot - 1 for slot in range(slots) if slot not in keys]
        motion, residual = (np.concatenate(list(array[:, others])) for array in (fused.motion, fused.residual))
        with torch.inference_mode():
            deltas = loaded.model.delta_embeddings(*loaded.processor.primitives(motion, residual))
            frames = np.concatenate(list(fused.frames[:, sorted(keys)]))
            features = loaded.model.vision_features(loaded.processor.pixels(frames))
        assert torch.allclose(view.shown.delta_embeds, deltas, atol=1e-5)
        assert torch.allclose(view.shown.image_features, features, atol=1e-5)


def test_the_recipes_own_window_given_or_not_shows_the_same(parts) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = parts
    (plain,), (given,) = (loaded.answerer(sampling).viewer([Ask(videos[0], "?")]) for sampling in (Stream(), Stream(window=4)))
    assert plain.shown.items == given.shown.items
    assert torch.equal(plain.shown.delta_embeds, given.shown.delta_embeds)


def test_a_window_as_long_as_the_gop_or_longer_leaves_its_key_frame(parts) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = parts
    for window in (8, 50):
        (view,) = loaded.answerer(Stream(window=window)).viewer([Ask(videos[0], "?")])
        assert [(item.kind, item.slot) for item in view.shown.items] == [("I", 0)] * 2
        assert view.shown.delta_embeds is None


def test_a_video_shorter_than_one_window_is_shown_as_its_key_frame(parts, tmp_path) -> None:  # type: ignore[no-untyped-def]
    loaded, _ = parts
    frames = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    video = EncodedVideo.of("short", encode_frames(frames, tmp_path / "short.mp4", Recipe(gop=8, window=4)))
    for sampling in (Stream(), Stream(delta="zero"), Stream(delta="gop-mean"), Stream(fusion="adaptive")):
        (_, answer), *more = loaded.answerer(sampling).answer([Ask(video, "?")], [2])
        assert [(item["kind"], item["time"]) for item in answer.shown][:1] == [("I", 0.0)] and not more
        # Only adaptive fusion may look between: it spends what fixed fusion would, which is one key frame.
        assert answer.visual_tokens == loaded.processor.costs().i_frame
    with pytest.raises(ValueError, match="swap needs a second video"):
        loaded.answerer(Stream(delta="swap", window=1)).viewer([Ask(video, "?")])


def test_a_summary_is_the_mean_of_a_gops_tokens_and_costs_one_p_frame(parts) -> None:  # type: ignore[no-untyped-def]
    loaded, videos = parts
    viewer = loaded.answerer(Stream(window=2, delta="gop-mean")).viewer
    (view,) = viewer([Ask(videos[0], "?")])
    (kept,) = loaded.answerer(Stream(window=2)).viewer([Ask(videos[0], "?")])
    assert [(item.kind, item.gop, item.slot) for item in view.shown.items] == [("I", 0, 0), ("P", 0, 3), ("I", 1, 0), ("P", 1, 3)]
    expected = kept.shown.delta_embeds.reshape(2, 3, *kept.shown.delta_embeds.shape[1:]).mean(dim=1)
    assert torch.allclose(view.shown.delta_embeds, expected, atol=1e-6)
    assert view.shown.visual_tokens == viewer.cost(Ask(videos[0], "?")) == token_budget((2, 2), loaded.processor.costs())
    # Within a span only what is inside it is summarised.
    time = kept.shown.items[6].time
    (clip,) = viewer([Ask(videos[0], "?", span=(0.0, time))])
    assert torch.allclose(clip.shown.delta_embeds[1], kept.shown.delta_embeds[3:5].mean(dim=0), atol=1e-6)


def test_labels_say_the_window_where_it_differs() -> None:
    recipe = Recipe(gop=16, window=4)
    assert sampling_label(Stream(), recipe) == sampling_label(Stream(window=4), recipe) == "1 key frame + 3 P-frames / GOP"
    assert sampling_label(Stream(window=2), recipe) == "1 key frame + 7 P-frames / GOP, fusion s = 2"
    assert sampling_label(Stream(delta="gop-mean"), recipe).endswith("their Δ-tokens averaged into one P-frame's")
