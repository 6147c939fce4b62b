"""What all stages that learn from an MLLM's answers share: their questions, their batches, their run and its export."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import pandas as pd

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest
from framethrift.models.clip import ClipScorer
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.folder import exported
from framethrift.progress import Progress
from lightning_modules import curated, processes
from lightning_modules.data import step_rng
from lightning_modules.mllm import Mllm
from lightning_modules.rollouts import Asked, Rollouts, ask, spread
from lightning_modules.run_folder import run_folder
from lightning_modules.trainer import fit

WATCHED = 200  # validation questions answered at every checkpoint


class WatchedTuning(lightning.LightningModule, ABC):
    """Trains what weighs frames, and asks validation questions now and then."""

    _watched: tuple[Rollouts, list[Asked]] | None = None

    def watch(self, rollouts: Rollouts, asked: list[Asked]) -> None:
        """Log validation accuracy on these questions at every checkpoint."""
        self._watched = rollouts, asked

    def log_watched(self, step: int, every: int) -> None:
        """Log the accuracy on the watched questions, if there are any, at every `every`th step."""
        if self._watched is not None and step % every == 0:
            self.log("validation_accuracy", self.validation_accuracy())

    def validation_accuracy(self) -> float:
        """Accuracy of the MLLM's answers on the watched questions, shown the K highest-weighted frames."""
        assert self._watched is not None
        return self.accuracy(*self._watched)

    @abstractmethod
    def accuracy(self, rollouts: Rollouts, asked: list[Asked]) -> float:
        """Accuracy of the MLLM's greedy answers to questions, shown the K highest-weighted frames."""


def rollout_factory(study: Study, layout: Layout, variant: str, dataset: str, mllm: Mllm) -> Callable[[pd.DataFrame], Rollouts]:
    """A function from the codec rows of a split to its Rollouts, with one MLLM and one CLIP for all."""
    frames = study.training_of(variant).key_frames
    clip = FrameEmbeddings(ClipScorer.load(layout.clip), layout, dataset, frames.candidate_fps)
    most = study.models_of(variant).sampler.max_queries

    def prepare(rows: pd.DataFrame) -> Rollouts:
        return Rollouts(mllm.reasoner, mllm.looking(layout, rows, frames), clip, rows, frames, most)

    return prepare


def lessons(
    study: Study, layout: Layout, variant: str, seed: int, mllm: Mllm
) -> tuple[list[Asked], Rollouts, tuple[Rollouts, list[Asked]]]:
    """Train questions that curation keeps, and their rollouts; rollouts and questions to watch on the validation split."""
    dataset = study.dataset_of(variant)[0]
    asked, rows = ask(layout, dataset, "train")
    asked = curated.kept(study, layout, variant, seed, asked)
    watched, watched_rows = ask(layout, dataset, "validation")
    prepare = rollout_factory(study, layout, variant, dataset, mllm)
    return asked, prepare(rows), (prepare(watched_rows), spread(watched, WATCHED))


def fit_and_export(
    module: WatchedTuning,
    study: Study,
    layout: Layout,
    stage: str,
    variant: str,
    seed: int,
    *,
    questions: int,
    models: Sequence[Path],
    params: Mapping[str, Any],
    progress: Progress,
    save: Callable[[Path], None],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Train `module` for a stage of the study on batches of distinct ones of `questions`, and export what `save` writes.

    models: folders that the run starts from; facts: what the manifest says of the export beside what serves the variant.
    """
    settings = getattr(study.training_of(variant), stage)

    def batch(step: int) -> dict[str, Any]:
        drawn = step_rng(seed, step).choice(questions, min(settings.questions, questions), replace=False)
        return {"step": step, "questions": drawn[processes.share(len(drawn))]}

    checkpoints = run_folder(study, layout, stage, variant, seed, models)
    with tracking.stage_run(layout, study, stage=stage, name=variant, seed=seed, params=params) as run:
        fit(module, batch, settings, checkpoints, progress, run.log_metrics)
        run.log_metrics({"validation_accuracy": module.validation_accuracy()}, settings.steps)
    if processes.rank() > 0:
        return
    folder, digest = layout.model(variant, seed), rule_digest(study, stage, variant)
    extra = {**study.serving(variant), **(facts or {})}
    with exported(folder, kind=stage, variant=variant, seed=seed, settings=digest, extra=extra) as target:
        save(target)
