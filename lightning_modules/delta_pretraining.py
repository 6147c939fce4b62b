"""Stage 1 of CoPE: the Δ-encoder learns to turn the reference frame's tokens into the target frame's (Eq. 7-10)."""

from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor
from transformers import SiglipVisionModel

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest
from framethrift.config.training import DeltaPretraining
from framethrift.models.cpu_linear import multiply_by_onednn
from framethrift.models.delta_pretrainer import DeltaPretrainer, build_delta_pretrainer, patch_regression
from framethrift.models.folder import MANIFEST, exported
from framethrift.models.primitives import resize_primitives
from framethrift.models.vision import feature_scale, load_tower, preprocess, tower_features
from framethrift.progress import Progress
from lightning_modules import processes
from lightning_modules.data import Gops, manifest, step_rng
from lightning_modules.run_folder import supervised_folder
from lightning_modules.schedule import adamw
from lightning_modules.shared_norm import share_statistics
from lightning_modules.trainer import fit

Window = tuple[str, int, int]  # video, GOP, slot of the target frame


class DeltaAlignment(lightning.LightningModule):
    """Patch-wise regression of the target frame's tokens, the vision tower frozen.

    The loss is Eq. 10 divided by the token width: a constant that keeps figures comparable between towers.
    """

    def __init__(self, pretrainer: DeltaPretrainer, tower: SiglipVisionModel, settings: DeltaPretraining) -> None:
        super().__init__()
        self.pretrainer = pretrainer
        share_statistics(pretrainer)
        self._settings = settings
        multiply_by_onednn(tower)
        # In a tuple, the frozen tower is no submodule: it belongs into no checkpoint.
        self._frozen = (tower.eval().requires_grad_(False),)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One batch of pairs: pixels (B, 3, S, S) of reference and target, τ (B, 2, h, w), δ (B, 3, h, w)."""
        tower = self._frozen[0].to(self.device)
        with torch.no_grad():
            reference, target = tower_features(tower, torch.cat([batch["reference"], batch["target"]])).chunk(2)
        predicted = self.pretrainer(reference, batch["motion"], batch["residual"])
        width = target.shape[-1]
        loss = patch_regression(predicted, target) / width
        self.log("loss", loss)
        self.log("loss_of_copying", patch_regression(reference, target) / width)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up, cosine."""
        return adamw([{"params": self.pretrainer.parameters()}], self._settings)


class FramePairs:
    """Pairs of successive slots with the primitives between them; videos are drawn alike, whatever their length."""

    def __init__(self, gops: Gops, settings: DeltaPretraining, image_size: int, primitive_size: int, seed: int) -> None:
        self._gops, self._settings, self._seed = gops, settings, seed
        self._image_size, self._primitive_size = image_size, primitive_size
        self._videos = list(gops.rows.index)
        if not any(gops.windows(*place) for place in gops):
            raise ValueError(
                f"none of the {len(self._videos)} train videos is longer than one fusion window of "
                f"{int(gops.rows['window'].iloc[0])} frames: shorten recipes.*.window, or add longer videos"
            )
        self._moving = self._moving_windows() if settings.moving_share else []

    def _moving_windows(self) -> list[Window]:
        moving = [
            (video_id, index, slot)
            for video_id, index in self._gops
            for slot, field in enumerate(self._gops.get(video_id, index).motion, start=1)
            if np.count_nonzero(field) * 100 > field.size
        ]
        if not moving:
            raise ValueError(
                "no fused window of the train videos moves: set training.delta.moving_share to 0, or add videos with motion"
            )
        return moving

    def _draw(self, rng: np.random.Generator) -> Window:
        if self._moving and rng.random() < self._settings.moving_share:
            return self._moving[rng.integers(len(self._moving))]
        while True:
            video_id = self._videos[rng.integers(len(self._videos))]
            index = int(rng.integers(self._gops.count(video_id)))
            windows = self._gops.windows(video_id, index)
            if windows:  # a video's last GOP may be too short for one
                return video_id, index, int(rng.integers(1, windows + 1))

    def batch(self, step: int) -> dict[str, Tensor]:
        """This process's share of the batch of a step, as DeltaAlignment takes it."""
        rng = step_rng(self._seed, step)
        parts: dict[str, list[Tensor]] = {"reference": [], "target": [], "motion": [], "residual": []}
        drawn = [self._draw(rng) for _ in range(self._settings.batch_size)]
        for video_id, index, slot in drawn[processes.share(len(drawn))]:
            gop = self._gops.get(video_id, index)
            pixels = preprocess(gop.frames[slot - 1 : slot + 1], self._image_size)
            motion, residual = resize_primitives(gop.motion[slot - 1 : slot], gop.residual[slot - 1 : slot], self._primitive_size)
            for name, tensor in zip(parts, (pixels[:1], pixels[1:], motion, residual), strict=True):
                parts[name].append(tensor)
        return {name: torch.cat(tensors) for name, tensors in parts.items()}


def train_delta(study: Study, layout: Layout, name: str, seed: int) -> None:
    """Pre-train the Δ-encoder that `name` (see Study.delta_of) stands for, and export it with its auxiliary transformers."""
    models, settings = study.models_of(name), study.training_of(name).delta
    tower = load_tower(layout.vision, models.vision.drop_layers)
    encoder = models.delta_encoder
    pretrainer = build_delta_pretrainer(encoder, tower.config.hidden_size, seed, feature_scale(tower))
    rows = manifest(layout, settings.datasets, "train")
    gops = Gops(layout, rows, cached=study.training_of(name).primitive_cache)
    pairs = FramePairs(gops, settings, models.vision.image_size, encoder.image_size, seed)
    inputs = [layout.vision / MANIFEST, *(layout.codec(dataset) / "videos.parquet" for dataset in settings.datasets)]
    checkpoints = supervised_folder(study, layout, "delta", name, seed, inputs)
    with tracking.stage_run(layout, study, stage="delta", name=name, seed=seed, params=settings.model_dump()) as run:
        progress = Progress(f"delta {name} seed{seed}", settings.steps)
        fit(
            DeltaAlignment(pretrainer, tower, settings),
            pairs.batch,
            settings,
            checkpoints,
            progress,
            run.log_metrics,
            ahead=True,
        )
    if processes.rank() > 0:
        return
    with exported(
        layout.delta(name, seed), kind="delta", variant=name, seed=seed, settings=rule_digest(study, "delta", name)
    ) as folder:
        pretrainer.save(folder)
