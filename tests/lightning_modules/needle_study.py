"""A study of MSJoE's stages that builds in seconds: a tiny needle world, really encoded, and tiny models."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.config.study import merge
from framethrift.evaluation.parse import LETTERS
from framethrift.models.clip import build_clip, save_clip
from framethrift.models.configuration import build_config
from framethrift.models.folder import exported, write_manifest
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import Reasoner, format_queries, prompt_texts
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import vision_config
from framethrift.tokens.packing import pack
from framethrift.videos import build_dataset
from framethrift.videos.tables import QUESTIONS, read_rows
from lightning_modules.data import questions
from lightning_modules.rollouts import ask

SUPERVISED = {"steps": 2, "batch_size": 2, "learning_rate": 1e-3}
SETTINGS: dict[str, Any] = {
    "name": "needles",
    "description": "A test.",
    "recipes": {"needle": {"fps": 1, "gop": 8, "window": 1, "width": 32, "height": 32}},
    "datasets": {
        "needle": {
            "kind": "needle_world",
            "recipe": "needle",
            "width": 32,
            "height": 32,
            "frames": 40,
            "object_size": 9,
            "long_frames": [5, 6],
            "videos": {"train": 4, "validation": 2, "test": 0},
        },
    },
    "models": {
        "vision": {
            "hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 2,
            "image_size": 32, "patch_size": 8, "pool_stride": 1,
        },
        "language": {
            "hidden_size": 48, "intermediate_size": 96, "layers": 2, "heads": 2, "kv_heads": 1, "context": 256, "vocabulary": 400,
        },
        "delta_encoder": {
            "width": 16, "layers": 1, "heads": 2, "motion_tokens": 2, "residual_tokens": 2, "image_size": 32,
            "trunk_widths": [8, 8, 8], "trunk_depths": [1, 1, 1], "motion_scaling": "clip",
        },
        "clip": {
            "embed_dim": 16, "image_size": 32, "patch_size": 8, "width": 32, "layers": 1, "heads": 2,
            "text_width": 32, "text_layers": 1, "context": 16,
        },
        "sampler": {"channels": [8, 8]},
    },
    "training": {
        **{stage: {"datasets": ["needle"], **SUPERVISED} for stage in ("vision", "clip", "delta")},
        "videolm": SUPERVISED,
        "sampler": {"steps": 4, "questions": 3, "draws": 4, "learning_rate": 3e-3, "tries": 4, "checkpoint_every": 2},
        "joint": {
            "steps": 4, "questions": 3, "group": 4, "learning_rate": 1e-3, "sampler_learning_rate": 1e-3, "checkpoint_every": 2,
        },
        "key_frames": {"frames": 3, "previews": 2, "preview_tokens": 1, "candidate_fps": 1, "grid": 2},
    },
    "samplings": {"oracle": {"kind": "select", "selector": "oracle", "frames": 3}},
    "variants": {
        "mllm": {"kind": "videolm", "datasets": ["needle"], "samplings": ["oracle"], "query_reasoning": True},
        "sampler": {"kind": "sampler", "mllm": "mllm", "dataset": "needle"},
        "joint": {"kind": "joint", "sampler": "sampler"},
    },
}  # fmt: skip


def build(folder: Path, changes: dict[str, Any] | None = None) -> tuple[Study, Layout]:
    """The study with encoded videos, a random CLIP, and an MLLM that knows the formats but not the answers."""
    study, layout = Study.model_validate(merge(SETTINGS, changes or {})), Layout(folder / "results" / "needles")
    texts = prompt_texts()
    for name, dataset in study.datasets.items():
        build_dataset(dataset, name, layout.root)
        encode_dataset(layout.root, name, study.recipes[dataset.recipe])
        for row in read_rows(QUESTIONS, layout.videos(name)):
            texts += [row["question"], *row["options"], *row["queries"]]
    tokenizer = build_tokenizer(texts, study.models.language.vocabulary)
    tower = vision_config(study.models.vision, study.models.vision.layers - study.models.vision.drop_layers)
    tower.vision_use_head = False
    torch.manual_seed(0)
    model = CopeVideoForConditionalGeneration(build_config(study.models, tower, tokenizer))
    processor = CopeVideoProcessor.of(study.models, tokenizer)
    _teach_formats(model, Reasoner(model, processor), layout, study.rated_datasets("mllm")[0])
    facts = {"kind": "videolm", "variant": "mllm", "seed": 0, "settings": "test", "extra": study.serving("mllm")}
    with exported(layout.model("mllm", 0), **facts) as target:
        model.save_pretrained(target)
        processor.save_pretrained(target)
    save_clip(build_clip(study.models.clip, tokenizer, seed=0), study.models.clip, tokenizer, layout.clip)
    write_manifest(layout.clip, kind="clip", variant="clip", seed=0, settings="test")
    return study, layout


def _teach_formats(model: CopeVideoForConditionalGeneration, reasoner: Reasoner, layout: Layout, dataset: str) -> None:
    """A hundred steps on well-formed queries and on answers drawn from the options: right by chance only."""
    table = questions(layout, [dataset], "train")
    told = {one.question_id: one for one in ask(layout, dataset, "train")[0]}
    table = table[table["question_id"].isin(told)]
    rng = np.random.default_rng(0)
    width = model.config.text_config.hidden_size
    optimiser = torch.optim.AdamW(model.language_model.parameters(), lr=5e-3)
    for _ in range(100):
        rows = [table.iloc[index] for index in rng.integers(len(table), size=8)]
        asked = [told[row["question_id"]] for row in rows]
        options = [list(LETTERS[: len(one.options)]) if one.lettered else list(one.options) for one in asked]
        previews, frames = torch.randn(8, 2, 1, width), torch.randn(8, 3, 4, width)
        prompts = reasoner.query_prompts([one.question for one in asked], previews)
        prompts += reasoner.answer_prompts([one.prompt for one in asked], frames)
        targets = [format_queries(list(row["queries"])) for row in rows] + [str(rng.choice(named)) for named in options]
        answers = [reasoner._processor.answer_ids(target) for target in targets]
        packed = pack(
            [p.ids[:-1] for p in prompts], [[(p.ids[-1:], a)] for p, a in zip(prompts, answers, strict=True)], reasoner.pad_id
        )
        labels = torch.from_numpy(packed.labels)
        loss = model(
            inputs_embeds=model.embed(
                torch.from_numpy(packed.input_ids), image_embeds=torch.cat([p.images.flatten(0, 1) for p in prompts])
            ),
            attention_mask=torch.from_numpy(packed.attention()),
            position_ids=torch.from_numpy(packed.position_ids),
            labels=labels,
        ).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def shortened(study: Study, stage: str, steps: int) -> Study:
    """The study with fewer steps in one stage: as if its training had been killed there."""
    settings = getattr(study.training, stage).model_copy(update={"steps": steps})
    return study.model_copy(update={"training": study.training.model_copy(update={stage: settings})})
