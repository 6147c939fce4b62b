"""Baselines of the true classes, tiny and random: the adapters against the classes' own path, and whole cells."""

from pathlib import Path

import numpy as np
import pytest
import tiny_baselines
import torch
from pydantic import ValidationError

from framethrift.config import Layout, Study
from framethrift.config.reduction import Reduction
from framethrift.config.sampling import Select
from framethrift.config.study import merge
from framethrift.config.training import KeyFrames
from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.arena import evaluate_arena
from framethrift.evaluation.backbones import load_backbone
from framethrift.evaluation.backbones.reduced import ReducedBackbone
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.loading import kept_scoring
from framethrift.evaluation.plain import PlainAnswerer
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.evaluation.stopwatch import Stopwatch

VIDEO_CLASSES = ("llava_onevision", "qwen2_5_vl")
TIMES = [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):  # type: ignore[no-untyped-def]
    base = tmp_path_factory.mktemp("baselines")
    return {name: getattr(tiny_baselines, name)(base / name) for name in (*VIDEO_CLASSES, "text")}


def _open(folders, family: str):  # type: ignore[no-untyped-def]
    return load_backbone(BaselineVariant(family=family, source=str(folders[family]), precision="float32"), "cpu")[0]


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 60, 80, 3)).astype(np.uint8)


@pytest.mark.parametrize("family", VIDEO_CLASSES)
def test_seeing_first_and_asking_later_is_the_classes_own_answer(folders, frames, family: str) -> None:  # type: ignore[no-untyped-def]
    backbone = _open(folders, family)
    processor, model = backbone.processor, backbone.model
    prompt = backbone.prompt("which option is right ?", shown=True)
    inputs = processor(
        text=[prompt],
        videos=[torch.from_numpy(frames).permute(0, 3, 1, 2)],
        video_metadata=[{"fps": 1.0, "total_num_frames": 5, "frames_indices": [0, 1, 2, 3, 4], "duration": 5}],
        do_sample_frames=False,
        return_tensors="pt",
    )
    written = model.generate(**inputs, do_sample=False, max_new_tokens=8)[0, inputs["input_ids"].shape[1] :]
    seen = backbone.see(frames, TIMES)
    answer = backbone.answer("which option is right ?", seen, 8)
    assert answer == processor.tokenizer.decode(written, skip_special_tokens=True)
    assert answer == backbone.answer("which option is right ?", seen, 8)  # nothing is used up
    assert answer != backbone.answer("which option is right ?", backbone.see(255 - frames, TIMES), 8)
    assert answer != backbone.answer("which option is right ?", None, 8)
    assert len(seen.tokens) == (inputs["input_ids"] == processor.video_token_id).sum()


def test_the_layout_of_the_visual_tokens_is_told(folders, frames) -> None:  # type: ignore[no-untyped-def]
    llava, qwen = (_open(folders, family).see(frames, TIMES) for family in VIDEO_CLASSES)
    assert (llava.steps, llava.per_step, len(llava.tokens)) == (5, 4, 21)  # 2 x 2 per frame, and a newline
    assert (qwen.steps, qwen.per_step, len(qwen.tokens)) == (3, 6, 18)  # two frames a step
    assert qwen.layout["second_per_grid_ts"].tolist() == [2.0]
    backbone = _open(folders, "qwen2_5_vl")
    assert 1 <= backbone.see(frames, TIMES, tokens=2).per_step <= 2
    assert backbone.see(frames[:1], [7.0]).steps == 1


def test_frames_in_chunks_are_the_same_tokens(folders, frames, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    backbone = _open(folders, "llava_onevision")
    whole = backbone.see(frames, TIMES).tokens
    monkeypatch.setattr("framethrift.evaluation.backbones.llava_onevision.CHUNK", 2)
    assert torch.allclose(backbone.see(frames, TIMES).tokens, whole, atol=1e-5)


def test_a_text_model_is_shown_nothing(folders, frames) -> None:  # type: ignore[no-untyped-def]
    backbone = _open(folders, "text")
    with pytest.raises(TypeError, match="blind"):
        backbone.see(frames, TIMES)
    assert backbone.answer("which option ?", None, 4) == backbone.answer("which option ?", None, 4)


@pytest.mark.parametrize("queries", ["question", "reasoned"])
def test_a_baseline_reads_every_video_once_and_writes_queries(tiny, folders, monkeypatch, queries: str) -> None:  # type: ignore[no-untyped-def]
    from framethrift.evaluation import plain

    study, layout = tiny
    asked = load_asked(study, layout, "mini_needle")
    backbone = _open(folders, "qwen2_5_vl")
    sampling = Select(selector="top_k", frames=3, queries=queries)
    read: list[Path] = []
    original = plain.read_frames
    monkeypatch.setattr(plain, "read_frames", lambda path, times: read.append(path) or original(path, times))
    key_frames = KeyFrames(frames=3, previews=2, preview_tokens=1)
    answerer = PlainAnswerer(
        backbone, sampling, Stopwatch(backbone.device), key_frames=key_frames, scoring=kept_scoring(layout, 1.0)
    )
    asks = [Ask(asked.videos[q.video_id], q.question) for q in asked.questions]
    answers = dict(answerer.answer(asks, [4] * len(asks)))
    assert sorted(answers) == list(range(len(asks)))
    assert len(read) == len(asked.videos) * (2 if queries == "reasoned" else 1)
    for answer in answers.values():
        assert len(answer.shown) == 3 and answer.visual_tokens > 0 and answer.prompt.count("<|video_pad|>") == 1
        assert bool(answer.query_text) == (queries == "reasoned")
    with pytest.raises(ValueError, match="needs a CLIP"):
        PlainAnswerer(backbone, sampling, Stopwatch(backbone.device), key_frames=key_frames)


def test_baselines_are_cells_like_any_other(tiny, folders, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    variants = {
        name: {"kind": "baseline", "family": name, "source": str(folder), "precision": "float32"}
        for name, folder in folders.items()
    }
    settings = merge(study.model_dump(mode="json"), {"variants": variants, "samplings": {"chance": {"kind": "chance"}}})
    settings["cells"] = [
        {"variants": list(VIDEO_CLASSES), "samplings": ["uniform"], "benchmarks": ["mini_needle"]},
        {"variants": ["text"], "samplings": ["blind", "chance"], "benchmarks": ["mini_needle"]},
    ]
    settings["latency"] = []
    changed = Study.model_validate(settings)
    target = Layout(tmp_path / "results" / "tiny")
    target.root.parent.mkdir()
    target.root.symlink_to(layout.root)
    raws = {}
    for variant, sampling in changed.evaluations():
        evaluate_cells(changed, target, variant, sampling, [0])
        rows = read_rows(target.cell(variant, sampling, 0) / "mini_needle.jsonl")
        assert len(rows) == 12
        raws[variant, sampling] = [row["raw"] for row in rows]
        frames = 3 if sampling == "uniform" else 0
        assert all(len(row["shown"]) == frames and bool(row["visual_tokens"]) == bool(frames) for row in rows)
    assert all(row["raw"] in row["options"] and row["prompt"] == "" for row in rows)  # the last cell is the random choice
    assert len({str(raw) for raw in raws.values()}) == 4
    for wrong in (
        {"variants": ["text"], "samplings": ["uniform"], "benchmarks": ["mini_needle"]},
        {"variants": ["qwen2_5_vl"], "samplings": ["cope"], "benchmarks": ["mini_motion"]},
        {"variants": ["llava_onevision"], "samplings": ["msjoe"], "benchmarks": ["mini_needle"]},
    ):
        with pytest.raises(ValueError, match="cannot be shown"):
            Study.model_validate({**settings, "cells": [wrong]})


def _reduced(folders, name: str, share: float, **options):  # type: ignore[no-untyped-def]
    return ReducedBackbone(_open(folders, "llava_onevision"), Reduction(name=name, share=share, options=options))


@pytest.mark.parametrize(("name", "options"), [("uniform", {}), ("fastv", {"layer": 1}), ("quickvideo", {"group": 1})])
def test_a_reducer_that_keeps_everything_changes_no_answer(folders, frames, name: str, options: dict) -> None:  # type: ignore[no-untyped-def]
    plain, whole = _open(folders, "llava_onevision"), _reduced(folders, name, 1.0, **options)
    seen = whole.see(frames, TIMES)
    assert torch.equal(seen.tokens, plain.see(frames, TIMES).tokens)
    assert whole.answer("which option is right ?", seen, 8) == plain.answer("which option is right ?", seen, 8)
    assert whole.costs("which option is right ?", seen)["kept_share"] == 1
    assert whole.answer("which option is right ?", None, 8) == plain.answer("which option is right ?", None, 8)


def test_a_baselines_tokens_are_reduced_behind_its_projector(folders, frames) -> None:  # type: ignore[no-untyped-def]
    whole = _reduced(folders, "uniform", 1.0)
    full, answers = whole.see(frames, TIMES), set()
    for name in ("uniform", "dycoke", "visionzip", "savemem"):
        fewer = _reduced(folders, name, 0.5)
        seen = fewer.see(frames, TIMES)
        kept = len(seen.tokens) - 1
        assert 1 <= kept <= 10 and seen.kept_share == kept / 20
        assert torch.equal(seen.tokens[-1], full.tokens[-1]), "the newline behind the video stays"
        answers.add(fewer.answer("which option is right ?", seen, 8))
        told, all_of_it = fewer.costs("which option ?", seen), whole.costs("which option ?", full)
        assert told["prefill_flops"] < all_of_it["prefill_flops"] and told["cache_bytes"] < all_of_it["cache_bytes"]
    assert answers != {whole.answer("which option is right ?", full, 8)}


def test_attention_and_keys_are_those_of_the_layer_that_the_projector_reads(folders, frames) -> None:  # type: ignore[no-untyped-def]
    backbone = _open(folders, "llava_onevision")
    seen = backbone.observed(frames, TIMES)
    assert seen.attention.shape == (5, 4) and seen.keys.shape == (5, 4, 32)
    tower, taken = backbone.model.model.vision_tower, []
    attention = tower.encoder.layers[-1].self_attn
    handle = attention.register_forward_hook(lambda module, args, given, out: taken.append(given), with_kwargs=True)
    backbone.see(frames, TIMES)
    handle.remove()
    keys = attention.k_proj(taken[0]["hidden_states"])
    pooled = torch.nn.functional.interpolate(keys.transpose(1, 2).unflatten(2, (4, 4)), size=(2, 2), mode="bilinear")
    assert torch.allclose(seen.keys, pooled.flatten(2).transpose(1, 2), atol=1e-5)
    # Every asking token gives one in all; pooling by two averages sixteen cells to four.
    assert torch.allclose(seen.attention.sum(dim=1) * 4, torch.ones(5), atol=1e-4)


def test_a_baselines_layers_are_reduced_while_it_answers(folders, frames) -> None:  # type: ignore[no-untyped-def]
    fewer = _reduced(folders, "fastv", 0.25, layer=1)
    seen = fewer.see(frames, TIMES)
    first = fewer.answer("which option is right ?", seen, 8)
    assert first == fewer.answer("which option is right ?", seen, 8)
    costs = fewer.costs("which option is right ?", seen)
    assert costs["kept_share"] == 0.25
    assert costs["prefill_flops"] < _reduced(folders, "uniform", 1.0).costs("which option is right ?", seen)["prefill_flops"]
    assert len(seen.tokens) == 21, "all of them are given to the model"


def test_an_arena_of_a_baseline_is_its_cells(tiny, folders, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    variant = {"kind": "baseline", "family": "llava_onevision", "source": str(folders["llava_onevision"]), "precision": "float32"}
    arena = {"variants": ["llava"], "sampling": "uniform", "methods": ["recent", "fastv"], "budgets": [50]}
    settings = merge(
        study.model_dump(mode="json"),
        {"variants": {"llava": variant}, "arena": {**arena, "options": {"fastv": {"layer": 1}}, "benchmarks": ["mini_needle"]}},
    )
    changed = Study.model_validate(settings)
    target = Layout(tmp_path / "results" / "tiny")
    target.root.parent.mkdir()
    target.root.symlink_to(layout.root)
    evaluate_arena(changed, target, "llava", 50, [0])
    for sampling in ("recent_50", "fastv_50"):
        path = target.cell("llava", sampling, 0) / "mini_needle.jsonl"
        together = read_rows(path)
        assert {row["costs"]["kept_share"] for row in together} == {0.5 if sampling == "fastv_50" else 1 / 3}
        evaluate_cells(changed, target, "llava", sampling, [0])
        assert [row["raw"] for row in read_rows(path)] == [row["raw"] for row in together]


def test_a_class_with_positions_of_its_own_takes_no_reducer(tiny, folders) -> None:  # type: ignore[no-untyped-def]
    backbone = _open(folders, "qwen2_5_vl")
    sampling = Select(frames=3, reducer=Reduction(name="uniform", share=0.5))
    with pytest.raises(ValueError, match="reducer 'uniform': a Qwen2_5_VL needs its visual tokens in their grid"):
        PlainAnswerer(backbone, sampling, Stopwatch(backbone.device), key_frames=KeyFrames(frames=3, previews=2))
    settings = tiny[0].model_dump(mode="json")
    settings["variants"]["qwen"] = {"kind": "baseline", "family": "qwen2_5_vl", "source": "nowhere"}
    settings["samplings"]["few"] = sampling.model_dump(mode="json")
    settings["cells"].append({"variants": ["qwen"], "samplings": ["few"], "benchmarks": ["mini_needle"]})
    with pytest.raises(ValidationError, match=r"'few' has a reducer, which baseline 'qwen' \(qwen2_5_vl\) has no place for"):
        Study.model_validate(settings)
