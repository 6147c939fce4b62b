"""A study names a sampling with adaptive fusion, and the whole chain follows: budget, reading, Δ-tokens, cells."""

import json
import shutil
from itertools import accumulate

import numpy as np
import pytest
import torch

from framethrift.codec import read_gops
from framethrift.codec.verify import verify
from framethrift.config import Layout
from framethrift.config.sampling import Stream
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.tokens import adaptive_slots


def test_a_study_with_adaptive_fusion_gives_cells_within_the_budget(tiny, tmp_path) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny[0], Layout(tmp_path / "results" / "tiny")
    shutil.copytree(tiny[1].root, layout.root)
    block = study.cells[0].model_copy(update={"samplings": ["adaptive"]})
    study = study.model_copy(update={"cells": [block]})
    evaluate_cells(study, layout, "cope", "adaptive", [0])
    folder = layout.cell("cope", "adaptive", 0)
    assert json.loads((folder / "cells.json").read_text(encoding="utf-8"))["benchmarks"]["mini_motion"]["n"] == 20
    for row in read_rows(folder / "mini_motion.jsonl"):
        kinds = [item["kind"] for item in row["shown"]]
        # Two key frames of 20 tokens, and what 58 tokens leave for P-frames of 6: three.
        assert (kinds.count("I"), kinds.count("P"), row["visual_tokens"]) == (2, 3, 58)
        times = [item["time"] for item in row["shown"]]
        assert times == sorted(times) and times[0] == 0


@pytest.mark.parametrize("energy", ["vectors", "packet_size"])
def test_the_windows_shown_are_those_planned_and_the_identity_holds_for_them(tiny, energy) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    loaded, asked = load_variant(study, layout, "cope", 0, "cpu"), load_asked(study, layout, "mini_motion")
    sampling = Stream(fusion="adaptive", energy=energy, budget=64)
    for video in asked.videos.values():
        (view,) = loaded.answerer(sampling).viewer([Ask(video, "?")])
        facts = video.path, video.keyframes, video.frames, video.fps, video.window
        slots = adaptive_slots(*facts, sampling, loaded.processor.costs())
        gops = list(read_gops(video.path, slots.windows))
        expected = []
        for gop in gops:
            frames = [video.keyframes[gop.index] + place for place in (0, *accumulate(slots.window_of(gop.index)))]
            expected += [("I" if slot == 0 else "P", gop.index, slot, n / video.fps) for slot, n in enumerate(frames)]
            assert gop.times == pytest.approx(np.array(frames) / video.fps, abs=1e-3)
        assert [(item.kind, item.gop, item.slot, item.time) for item in view.shown.items] == expected
        motion, residual = (np.concatenate([getattr(gop, name) for gop in gops]) for name in ("motion", "residual"))
        with torch.inference_mode():
            deltas = loaded.model.delta_embeddings(*loaded.processor.primitives(motion, residual))
        assert torch.allclose(view.shown.delta_embeds, deltas, atol=1e-5)
        result = verify(video.path, slots.windows)
        assert (result.windows, result.mismatching_pixels) == (4, 0)


def test_a_budget_that_key_frames_exceed_is_refused_with_both_sizes(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    loaded, asked = load_variant(study, layout, "cope", 0, "cpu"), load_asked(study, layout, "mini_motion")
    viewer = loaded.answerer(Stream(fusion="adaptive", budget=39)).viewer
    with pytest.raises(ValueError, match="budget 39: the 2 key frames of 2 GOPs alone cost 40 visual tokens"):
        viewer([Ask(next(iter(asked.videos.values())), "?")])
