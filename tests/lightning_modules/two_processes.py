"""Trains a tiny Δ-encoder and a tiny VideoLM, whole and through adapters, alone or as one of several processes.

torchrun … two_processes.py STUDY FOLDER OUT

OUT gets the losses of every step (losses.json) and the trained weights (<stage>.safetensors), written by process 0. In double
precision: Adam's first steps have the size of the learning rate even where the gradient is nothing but rounding.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from framethrift.config import Layout, Study
from framethrift.config.training import Lora
from framethrift.models.delta_pretrainer import build_delta_pretrainer
from framethrift.models.modelling import build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import load_tokenizer
from framethrift.models.vision import feature_scale, load_tower
from framethrift.progress import Progress
from lightning_modules import processes
from lightning_modules.conversations import Conversations
from lightning_modules.data import Gops, manifest
from lightning_modules.delta_pretraining import DeltaAlignment, FramePairs
from lightning_modules.low_rank import add_adapters
from lightning_modules.sharding import whole_state
from lightning_modules.trainer import fit
from lightning_modules.videolm_finetuning import VideolmTuning


def train(study: Study, layout: Layout, out: Path) -> None:
    """Both stages, one after the other, from the newest checkpoints under `out`."""
    torch.set_num_threads(1)
    losses = {
        "delta": _delta(study, layout, out),
        "videolm": _videolm(study, layout, out, "videolm"),
        "lora": _videolm(study, layout, out, "lora"),
    }
    if processes.rank() == 0:
        (out / "losses.json").write_text(json.dumps(losses))


def _delta(study: Study, layout: Layout, out: Path) -> dict[int, float]:
    models, settings = study.models, study.training.delta
    tower = load_tower(layout.vision, models.vision.drop_layers)
    pretrainer = build_delta_pretrainer(models.delta_encoder, tower.config.hidden_size, 0, feature_scale(tower))
    gops = Gops(layout, manifest(layout, settings.datasets, "train"), cached=False)
    pairs = FramePairs(gops, settings, models.vision.image_size, models.delta_encoder.image_size, 0)
    tower.double()
    return _fit("delta", DeltaAlignment(pretrainer, tower, settings), pairs.batch, settings, pretrainer, out)


def _videolm(study: Study, layout: Layout, out: Path, stage: str) -> dict[int, float]:
    tokenizer = load_tokenizer(str(layout.tokenizer))
    model = build_videolm(study.models, layout.vision, tokenizer, None, 0)
    if stage == "lora":
        add_adapters(model, Lora(rank=2, alpha=4), seed=0)
    conversations = Conversations(study, layout, "cope", CopeVideoProcessor.of(study.models, tokenizer), 0)
    settings = study.training_of("cope").videolm
    # Several processes have less memory each: they pass one conversation at a time through the model.
    parts = processes.parts(settings.batch_size, 1) if processes.count() > 1 else 1
    build = conversations.batch if parts == 1 else partial(conversations.parts, number=parts)
    return _fit(stage, VideolmTuning(model, settings, delta=True), build, settings, model, out, parts)


def _double(value: Any) -> Any:
    return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value


def _fit(stage, module, batches, settings, model, out: Path, parts: int = 1) -> dict[int, float]:
    module.double()

    def batch(step: int) -> Any:
        whole = batches(step)
        built = [{name: _double(value) for name, value in part.items()} for part in (whole if parts > 1 else [whole])]
        return built if parts > 1 else built[0]

    losses: dict[int, float] = {}
    progress = Progress(stage, settings.steps)
    log = lambda m, step: losses.update({step: m["loss"]})  # noqa: E731
    fit(module, batch, settings, out / stage, progress, log, log_every=1, parts=parts, ahead=True)
    weights = whole_state(model)
    if weights is not None:
        save_file({name: tensor.clone() for name, tensor in weights.items()}, out / f"{stage}.safetensors")
    return losses


if __name__ == "__main__":
    train(Study.model_validate_json(Path(sys.argv[1]).read_text()), Layout(sys.argv[2]), Path(sys.argv[3]))
