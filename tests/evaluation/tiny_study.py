"""A study small enough to build in a test: real videos, really encoded, and models with random weights."""

from pathlib import Path

import torch

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.models.clip import build_clip, save_clip
from framethrift.models.folder import exported, write_manifest
from framethrift.models.modelling import build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import prompt_texts
from framethrift.models.sampler import UNetSampler, save_sampler
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import build_siglip
from framethrift.videos import build_dataset
from framethrift.videos.tables import QUESTIONS, read_rows

STREAMS = ["cope", "drop", "zero", "swap", "dense"]

OPTIMISATION = {"steps": 2, "batch_size": 2, "learning_rate": 1e-3}

SETTINGS = {
    "name": "tiny",
    "description": "A test.",
    "recipes": {
        "motion": {"fps": 25, "gop": 8, "window": 4, "width": 64, "height": 64},
        "needle": {"fps": 1, "gop": 8, "window": 1, "width": 32, "height": 32},
    },
    "datasets": {
        "motion": {
            "kind": "motion_world",
            "recipe": "motion",
            "gop": 8,
            "width": 64,
            "height": 64,
            "object_size": 9,
            "videos": {"train": 2, "validation": 0, "test": 4},
        },
        "needle": {
            "kind": "needle_world",
            "recipe": "needle",
            "width": 32,
            "height": 32,
            "frames": 48,
            "object_size": 9,
            "long_frames": [6, 8],
            "videos": {"train": 2, "validation": 0, "test": 3},
        },
    },
    "models": {
        "vision": {
            **{"hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 2},
            **{"image_size": 32, "patch_size": 8, "pool_stride": 1},
        },
        "language": {
            **{"hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 2, "kv_heads": 1},
            **{"context": 512, "vocabulary": 512},
        },
        "delta_encoder": {
            **{"width": 16, "layers": 1, "heads": 2, "motion_tokens": 2, "residual_tokens": 2, "image_size": 32},
            **{"trunk_widths": [8, 8, 8], "trunk_depths": [1, 1, 1], "motion_scaling": "clip"},
        },
        "clip": {
            **{"embed_dim": 16, "image_size": 32, "patch_size": 8, "width": 32, "layers": 1, "heads": 2},
            **{"text_width": 32, "text_layers": 1, "context": 16},
        },
        "sampler": {"channels": [8, 8]},
    },
    "training": {
        **{stage: {"datasets": ["motion"], **OPTIMISATION} for stage in ("vision", "clip", "delta")},
        "videolm": OPTIMISATION,
        "sampler": {"steps": 1, "questions": 1},
        "joint": {"steps": 1, "questions": 1},
        "key_frames": {"frames": 3, "previews": 2, "preview_tokens": 4, "candidate_fps": 1, "grid": 2},
    },
    "samplings": {
        "cope": {"kind": "stream", "delta": "keep"},
        "drop": {"kind": "stream", "delta": "drop"},
        "zero": {"kind": "stream", "delta": "zero"},
        "swap": {"kind": "stream", "delta": "swap"},
        "dense": {"kind": "stream", "keyframes_per_gop": 2, "delta": "keep"},
        "adaptive": {"kind": "stream", "fusion": "adaptive", "energy": "packet_size", "budget": 58},
        "blind": {"kind": "blind"},
        "uniform": {"kind": "select", "selector": "uniform", "frames": 3},
        "oracle": {"kind": "select", "selector": "oracle", "frames": 3},
        "bolt": {"kind": "select", "selector": "bolt", "frames": 3, "queries": "question"},
        "top_k": {"kind": "select", "selector": "top_k", "frames": 3, "queries": "reasoned"},
        "msjoe": {"kind": "select", "selector": "msjoe", "frames": 3, "queries": "reasoned"},
    },
    "variants": {
        "cope": {"kind": "videolm", "datasets": ["motion"], "samplings": ["cope"]},
        "mllm": {"kind": "videolm", "datasets": ["needle"], "samplings": ["oracle"], "query_reasoning": True},
        "sampler": {"kind": "sampler", "mllm": "mllm", "dataset": "needle"},
        "joint": {"kind": "joint", "sampler": "sampler"},
    },
    "cells": [
        {"variants": ["cope"], "samplings": [*STREAMS, "blind"], "benchmarks": ["mini_motion", "mini_static"]},
        {"variants": ["mllm"], "samplings": ["uniform", "oracle", "bolt", "top_k", "blind"], "benchmarks": ["mini_needle"]},
        {"variants": ["sampler", "joint"], "samplings": ["msjoe"], "benchmarks": ["mini_needle"]},
    ],
    "latency": [{"variant": "cope", "samplings": ["cope", "drop", "blind"], "output_tokens": 4, "seconds": 2, "repeats": 2}],
    "bootstrap": 100,
}


def build(folder: Path) -> tuple[Study, Layout]:
    """The study with its videos, encoded, and random models, in `folder`/results/tiny."""
    study, layout = Study.model_validate(SETTINGS), Layout(folder / "results" / "tiny")
    texts = list(prompt_texts())
    for name, dataset in study.datasets.items():
        build_dataset(dataset, name, layout.root)
        encode_dataset(layout.root, name, study.recipes[dataset.recipe])
        for row in read_rows(QUESTIONS, layout.videos(name)):
            texts += [row["question"], *row["options"], *row["queries"]]
    tokenizer = build_tokenizer(texts, study.models.language.vocabulary)
    build_siglip(study.models.vision, len(tokenizer), seed=0).save_pretrained(layout.vision)
    for seed, variant in enumerate(("cope", "mllm", "joint")):
        save_videolm(study, layout, variant, tokenizer, seed)
    torch.manual_seed(5)
    for variant in ("sampler", "joint"):
        folder = layout.model(variant, 0)
        sampler = UNetSampler(study.models.sampler)
        torch.nn.init.normal_(sampler.head.weight)  # a fresh sampler finds all frames alike
        save_sampler(sampler, folder)
        write_manifest(
            folder, kind=study.variants[variant].kind, variant=variant, seed=0, settings="test", extra=study.serving(variant)
        )
    save_clip(build_clip(study.models.clip, tokenizer, seed=0), study.models.clip, tokenizer, layout.clip)
    write_manifest(layout.clip, kind="clip", variant="clip", seed=0, settings="test")
    return study, layout


def save_videolm(study: Study, layout: Layout, variant: str, tokenizer, seed: int) -> None:  # type: ignore[no-untyped-def]
    """Write a random model as the variant's folder."""
    model = build_videolm(study.models, layout.vision, tokenizer, None, seed)
    facts = {
        "kind": study.variants[variant].kind,
        "variant": variant,
        "seed": 0,
        "settings": "test",
        "extra": study.serving(variant),
    }
    with exported(layout.model(variant, 0), **facts) as folder:
        model.save_pretrained(folder)
        CopeVideoProcessor.of(study.models, tokenizer).save_pretrained(folder)
