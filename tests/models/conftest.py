"""The tiny VideoLM that the model tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from framethrift.config.models import DeltaEncoder, LanguageModel, Models, VisionTower
from framethrift.config.sampling import Stream
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import build_siglip
from framethrift.tokens import StreamItem, plan_stream

TEXTS = [
    "which way does the red square move?",
    "did the green disc move first?",
    "describe the video: it moves fast, then slow",
    "left right up down yes no",
]


@pytest.fixture(scope="session")
def tiny() -> Models:
    return Models(
        vision=VisionTower(hidden_size=48, intermediate_size=64, layers=3, heads=4, image_size=96, patch_size=16, pool_stride=1),
        language=LanguageModel(hidden_size=64, intermediate_size=96, layers=3, heads=4, kv_heads=2, context=512, vocabulary=512),
        delta_encoder=DeltaEncoder(width=32, layers=2, heads=4, image_size=96, trunk_widths=(8, 12, 16), trunk_depths=(1, 1, 1)),
    )


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer(TEXTS, 512)


@pytest.fixture(scope="session")
def tower_folder(tiny: Models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "vision"
    build_siglip(tiny.vision, 512, seed=0).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def model(tiny: Models, tower_folder: Path, tokenizer: PreTrainedTokenizerFast) -> CopeVideoForConditionalGeneration:
    return build_videolm(tiny, tower_folder, tokenizer, None, seed=0)


@pytest.fixture(scope="session")
def processor(tiny: Models, tokenizer: PreTrainedTokenizerFast) -> CopeVideoProcessor:
    return CopeVideoProcessor.of(tiny, tokenizer)


Clip = tuple[list[StreamItem], np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def clip() -> Callable[..., Clip]:
    """A random video: planned items, its key frames, and the motion and residual of its P-frames."""

    def make(seed: int, gops: int = 1, slots: int = 4, keyframes: int = 1, delta: str = "keep") -> Clip:
        rng = np.random.default_rng(seed)
        times = np.arange(gops * slots, dtype=np.float64).reshape(gops, slots)
        items = plan_stream(times, np.ones_like(times, dtype=bool), Stream(keyframes_per_gop=keyframes, delta=delta))
        images = sum(item.kind == "I" for item in items)
        deltas = len(items) - images
        frames = rng.integers(0, 256, (images, 96, 96, 3)).astype(np.uint8)
        motion = rng.integers(-12, 13, (deltas, 96, 96, 2)).astype(np.int16)
        residual = rng.integers(-90, 91, (deltas, 96, 96, 3)).astype(np.int16)
        return items, frames, motion, residual

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
