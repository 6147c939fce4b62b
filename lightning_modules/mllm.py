"""The MLLM of query reasoning and joint evolution: this project's VideoLM, or a published Qwen2.5-VL, behind one face."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from framethrift.config import Layout
from framethrift.config.training import JointEvolution, KeyFrames
from framethrift.evaluation.backbones import open_linked
from framethrift.evaluation.backbones.load import CHECKPOINT
from framethrift.evaluation.backbones.qwen2_5_vl import Qwen2_5_VL
from framethrift.evaluation.backbones.qwen2_5_vl_reasoning import QwenReasoner
from framethrift.models.folder import verify
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import Reasoner
from lightning_modules import processes
from lightning_modules.frame_bank import FrameBank, GridLooking, Looking
from lightning_modules.seen_bank import SeenBank


@dataclass(frozen=True, eq=False)
class Mllm:
    """What writes and answers, what it is shown of a split's videos, how it is saved, and what its folder then says of it."""

    reasoner: Reasoner
    looking: Callable[[Layout, pd.DataFrame, KeyFrames], Looking]
    save: Callable[[Path], None]
    facts: Mapping[str, Any] = field(default_factory=dict)


def open_mllm(folder: Path, *, trained: bool = False) -> Mllm:
    """The MLLM of a verified model folder, frozen, on a GPU where there is one.

    `trained` loads a published model in 32 bits: steps of a learning rate of 1e-6 vanish in the 8 bits of a bfloat16's mantissa.
    Raises ModelFolderError for a bad folder, or one that names a checkpoint that has changed.
    """
    facts = verify(folder)["extra"].get(CHECKPOINT)
    if facts is None:
        return _own(*load_mllm(folder))
    backbone = open_linked(folder, precision="float32" if trained else None)
    assert isinstance(backbone, Qwen2_5_VL)  # the study names no other class as an MLLM
    # The joint stage's folder holds the weights itself.
    return _published(backbone, {CHECKPOINT: {**facts, "source": "", "digest": ""}})


def load_mllm(folder: Path) -> tuple[CopeVideoForConditionalGeneration, CopeVideoProcessor]:
    """The VideoLM of a verified model folder, frozen, on a GPU where there is one. Raises ModelFolderError for a bad folder."""
    verify(folder)
    model = CopeVideoForConditionalGeneration.from_pretrained(folder).eval().requires_grad_(False)
    return model.to("cuda" if torch.cuda.is_available() else "cpu"), CopeVideoProcessor.from_pretrained(folder)


def write_with_vllm(reasoner: Reasoner, settings: JointEvolution) -> None:
    """Let vLLM write for a published MLLM. Raises ValueError in one of several processes, ModuleNotFoundError without vLLM."""
    if processes.count() > 1:
        raise ValueError(
            "training.joint.engine: vllm writes for one process; start one (--devices 1 --nodes 1), or use transformers"
        )
    assert isinstance(reasoner, QwenReasoner)  # the study lets vllm write for no other class
    reasoner.write_with_vllm(settings.engine_context, settings.engine_memory)


def _own(model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor) -> Mllm:
    def looking(layout: Layout, rows: pd.DataFrame, frames: KeyFrames) -> Looking:
        bank = FrameBank(model, processor, layout, rows, frames.candidate_fps)
        return GridLooking(bank, frames.preview_grid, frames.grid or processor.grid)

    def save(target: Path) -> None:
        model.save_pretrained(target)
        processor.save_pretrained(target)

    return Mllm(Reasoner(model, processor), looking, save)


def _published(backbone: Qwen2_5_VL, facts: Mapping[str, Any]) -> Mllm:
    def looking(layout: Layout, rows: pd.DataFrame, frames: KeyFrames) -> Looking:
        return SeenBank(backbone, layout, rows, frames)

    def save(target: Path) -> None:
        backbone.model.save_pretrained(target)
        backbone.processor.save_pretrained(target)

    return Mllm(QwenReasoner(backbone), looking, save, facts)
