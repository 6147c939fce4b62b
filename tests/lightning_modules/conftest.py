"""A study whose MLLM is a tiny Qwen2.5-VL."""

from pathlib import Path

import numpy as np
import pytest
import torch

from framethrift.config import Layout, Study
from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.backbones.load import load_backbone
from framethrift.evaluation.backbones.qwen2_5_vl import Qwen2_5_VL
from framethrift.models.completions import Completions, completion_log_probability
from framethrift.models.reasoning import format_queries
from framethrift.tracking import runs
from lightning_modules.mllm import _published
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.rollouts import ask
from lightning_modules.sampler_pretraining import train_sampler
from lightning_modules.videolm_finetuning import train_videolm
from tests.evaluation.tiny_baselines import qwen2_5_vl
from tests.lightning_modules.needle_study import build


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Layout]:
    """The study with a linked Qwen2.5-VL that knows the formats, rated, and a sampler beside it."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("qwen")
    qwen2_5_vl(root / "checkpoint")
    changes = {
        "datasets": {"needle": {"videos": {"train": 2, "validation": 1, "test": 1}}},
        "variants": {
            "qwen": {"kind": "baseline", "family": "qwen2_5_vl", "source": str(root / "checkpoint"), "precision": "float32"},
            "qwen_sampler": {"kind": "sampler", "mllm": "qwen", "dataset": "needle"},
            "qwen_joint": {"kind": "joint", "sampler": "qwen_sampler"},
            # Written by other engines.
            "qwen_rounded": {"kind": "joint", "sampler": "qwen_sampler"},
            "qwen_vllm": {"kind": "joint", "sampler": "qwen_sampler"},
        },
        "samplings": {"msjoe": {"kind": "select", "selector": "msjoe", "frames": 3, "queries": "reasoned"}},
        "cells": [{"variants": ["qwen_sampler", "qwen_joint"], "samplings": ["msjoe"], "benchmarks": ["mini_needle"]}],
        "training": {
            "sampler": {"steps": 1, "questions": 2, "draws": 2, "tries": 2},
            "joint": {"steps": 2, "questions": 3, "group": 6, "learning_rate": 1e-3},
            "key_frames": {"preview_tokens": 4},
        },
    }
    study, layout = build(root, changes)
    _teach_formats(study, layout, root / "checkpoint")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_push", lambda layout: None)
        train_videolm(study, layout, "qwen", 0)
        measure_pass_rates(study, layout, "qwen", 0)
        train_sampler(study, layout, "qwen_sampler", 0)
    return study, layout


def _teach_formats(study: Study, layout: Layout, checkpoint: Path) -> None:
    """Some steps on a well-formed query, and on answers drawn from short words: right by chance only."""
    backbone = load_backbone(BaselineVariant(family="qwen2_5_vl", source=str(checkpoint), precision="float32"), "cpu")[0]
    assert isinstance(backbone, Qwen2_5_VL)
    asked, rows = ask(layout, "needle", "train")
    mllm = _published(backbone, {})
    bank, reasoner = mllm.looking(layout, rows, study.training.key_frames), mllm.reasoner
    language = reasoner.model.language_model.requires_grad_(True)
    optimiser, rng = torch.optim.AdamW(language.parameters(), lr=3e-3), np.random.default_rng(0)
    tokenizer = backbone.processor.tokenizer
    for _ in range(60):
        some = [asked[index] for index in rng.integers(len(asked), size=4)]
        frames = bank.shown([(one.video_id, [3, 9, 20]) for one in some], preview=False)
        previews = bank.shown([(one.video_id, [5, 30]) for one in some], preview=True)
        prompts = reasoner.answer_prompts([one.prompt for one in some], frames)
        prompts += reasoner.query_prompts([one.question for one in some], previews)
        texts = [str(rng.choice(["yes", "no", "red"])) for _ in some] + [format_queries(["a disc"])] * 4
        ids = [[*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id] for text in texts]
        longest = max(map(len, ids))
        tokens = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids])
        mask = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in ids])
        told = completion_log_probability(reasoner.model, prompts, Completions(tokens, mask, mask.float()), 1.0, reasoner.pad_id)
        optimiser.zero_grad()
        (-told.sum() / mask.sum()).backward()
        optimiser.step()
    language.requires_grad_(False)
    backbone.model.save_pretrained(checkpoint)
