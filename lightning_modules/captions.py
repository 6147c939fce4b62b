"""Captioned frames for image-caption training, and the texts that a study's tokenizer must spell."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch.nn import functional

from framethrift.codec import read_frames
from framethrift.config import Layout, Study
from framethrift.config.training import ContrastivePretraining
from framethrift.models.reasoning import prompt_texts
from framethrift.models.tokenizer import SYSTEM
from lightning_modules.data import manifest, step_rng

CAPTION_PROMPT = "describe the first frame ."


class CaptionedFrames:
    """Captioned frames of the train split, in batches with an equal share of every dataset and no caption twice:
    every other row of a batch is a true negative."""

    def __init__(self, layout: Layout, settings: ContrastivePretraining, size: int, seed: int) -> None:
        captions = self._chosen(layout, settings, seed)
        rows = manifest(layout, settings.datasets, "train")
        self.frames = np.concatenate(
            [
                _resize(read_frames(layout.root / rows.at[video_id, "path"], group["time"].to_numpy()), size)
                for video_id, group in captions.groupby("video_id", sort=False)
            ]
        )
        self.texts, codes = np.unique(captions["caption"].to_numpy(dtype=str), return_inverse=True)
        self._of_text = [np.flatnonzero(codes == code) for code in range(len(self.texts))]
        self._of_dataset = [np.unique(codes[captions["dataset"].to_numpy() == name]) for name in settings.datasets]
        self._share, self._seed = settings.batch_size // len(settings.datasets), seed

    @staticmethod
    def _chosen(layout: Layout, settings: ContrastivePretraining, seed: int) -> pd.DataFrame:
        rows = manifest(layout, settings.datasets, "train")
        captions = pd.concat([pd.read_parquet(layout.videos(name) / "captions.parquet") for name in settings.datasets])
        captions = captions[captions["video_id"].isin(rows.index)].sort_values(["dataset", "video_id", "time"])
        if captions.empty:
            raise ValueError(f"datasets {settings.datasets} have no captioned train frame: a tower cannot be trained on them")
        shuffled = captions.sample(frac=1, random_state=seed)
        return (
            shuffled.groupby("caption", sort=False).head(settings.frames_per_caption).sort_values(["dataset", "video_id", "time"])
        )

    def draw(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Frames uint8 (B, S, S, 3) and the indices (B,) of their captions in `texts`."""
        rng = step_rng(self._seed, step)
        drawn = [rng.choice(codes, size=min(self._share, len(codes)), replace=False) for codes in self._of_dataset]
        chosen = np.unique(np.concatenate(drawn))
        return self.frames[[rng.choice(self._of_text[code]) for code in chosen]], chosen


def first_captions(layout: Layout, datasets: list[str]) -> dict[str, str]:
    """Caption of the earliest captioned frame of every train video."""
    tables = [pd.read_parquet(layout.videos(name) / "captions.parquet") for name in datasets]
    rows = pd.concat(tables, ignore_index=True)
    return rows[rows["split"] == "train"].sort_values(["video_id", "time"]).groupby("video_id")["caption"].first().to_dict()


def study_texts(study: Study, layout: Layout) -> Iterator[str]:
    """Everything that a study's models read or write: its prompts, questions, answers, queries and captions, each text once.

    Published benchmarks are test data, of which no tokenizer learns.
    """
    texts = dict.fromkeys([*prompt_texts(), f"system\n{SYSTEM}", "user\n", "assistant\n", CAPTION_PROMPT])
    for name in (name for name, dataset in study.datasets.items() if dataset.kind != "benchmark"):
        questions = pd.read_parquet(layout.videos(name) / "questions.parquet")
        captions = pd.read_parquet(layout.videos(name) / "captions.parquet")
        texts |= dict.fromkeys([*questions["question"], *questions["answer"], *captions["caption"]])
        texts |= dict.fromkeys(query for queries in questions["queries"] for query in queries)
    return iter(texts)


def _resize(frames: np.ndarray, size: int) -> np.ndarray:
    if frames.shape[1:3] == (size, size):
        return frames
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    resized = functional.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)
    return resized.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
