"""Stage 1 of MSJoE: REINFORCE on the sampler with the difficulty-aware advantage, the MLLM frozen (facts 1.5)."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest
from framethrift.config.training import Training
from framethrift.config.variants import SamplerVariant
from framethrift.models.clip import ClipScorer
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.folder import exported
from framethrift.models.reasoning import scoring_queries
from framethrift.models.sampler import UNetSampler, save_sampler
from framethrift.models.set_draw import draw_sets, entropy, set_log_probability
from framethrift.progress import Progress
from framethrift.rewards import centred, difficulty_advantage, reinforce_loss
from lightning_modules import curated, processes
from lightning_modules.data import step_rng
from lightning_modules.mllm import Mllm, open_mllm
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.rollouts import Asked, Rollouts, ask, spread, step_generator
from lightning_modules.run_folder import run_folder
from lightning_modules.trainer import fit

WATCHED = 200  # validation questions answered at every checkpoint

__all__ = ["SamplerTuning", "measure_pass_rates", "train_sampler"]


class WatchedTuning(lightning.LightningModule, ABC):
    """Trains what weighs frames, and asks validation questions now and then."""

    @abstractmethod
    def validation_accuracy(self) -> float:
        """Accuracy of the MLLM's answers on the watched validation questions, shown the highest-weighted frames."""


class SamplerTuning(WatchedTuning):
    """Draws frame sets for each question, lets the frozen MLLM answer greedily, and makes good sets more probable."""

    def __init__(
        self,
        sampler: UNetSampler,
        rollouts: Rollouts,
        asked: list[Asked],
        queries: list[list[str]],
        pass_rate: NDArray[np.float64],
        training: Training,
        seed: int,
    ) -> None:
        super().__init__()
        self.sampler = sampler
        self._rollouts, self._asked, self._queries, self._pass_rate = rollouts, asked, queries, pass_rate
        self._training, self._seed = training, seed
        self._watched: tuple[Rollouts, list[Asked], list[list[str]]] | None = None

    def watch(self, rollouts: Rollouts, asked: list[Asked]) -> None:
        """Log validation accuracy on these questions at every checkpoint; their queries are written once."""
        self._watched = rollouts, asked, rollouts.queries(asked)

    def validation_accuracy(self) -> float:
        """Accuracy on the watched questions from the K most probable frames."""
        assert self._watched is not None
        rollouts, asked, queries = self._watched
        return rollouts.accuracy(asked, self.sampler, queries)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """One step: batch holds `step` and the indices `questions` (B,)."""
        settings, likelihood = self._training.sampler, self._training.set_likelihood
        if self._watched is not None and batch["step"] % settings.checkpoint_every == 0:
            self.log("validation_accuracy", self.validation_accuracy())
        asked = [self._asked[index] for index in batch["questions"]]
        given = self._rollouts.scores(asked, [self._queries[index] for index in batch["questions"]])
        log_p = self.sampler(given.similarity, given.query_mask, given.frame_mask)
        generator = step_generator(self._seed, batch["step"], processes.stream("sampler"), log_p.device)
        chosen = draw_sets(log_p, self._training.key_frames.frames, settings.draws, generator)
        right = self._rollouts.right(asked, chosen)
        advantage = difficulty_advantage(right, self._pass_rate[batch["questions"]], settings.impossible_bonus)
        if likelihood.centred_advantage:
            advantage = centred(advantage)
        log_sets = set_log_probability(log_p, chosen, likelihood.log_probability)
        loss = reinforce_loss(log_sets, torch.from_numpy(advantage).to(log_sets))
        repeated = [one for one in asked for _ in range(settings.draws)]
        self.log("accuracy", right.mean())
        self.log("advantage", advantage.mean())
        self.log("entropy", entropy(log_p).mean())
        self.log("evidence_coverage", self._rollouts.coverage(repeated, chosen.flatten(0, 1).cpu().numpy()))
        self.log("dead_groups", float((right.all(axis=1) | ~right.any(axis=1)).mean()))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, constant learning rate."""
        return torch.optim.Adam(self.sampler.parameters(), lr=self._training.sampler.learning_rate)


def train_sampler(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Pre-train a sampler variant beside its frozen MLLM, and export sampler.safetensors, sampler.json and manifest.

    Reads the pass rates of the MLLM. Questions that it always answers (c = 1) are left out: their advantage is undefined.
    Raises ValueError when no question is left, or the pass rates miss one.
    """
    own = study.variants[variant]
    assert isinstance(own, SamplerVariant)
    training = study.training_of(variant)
    mllm = open_mllm(layout.model(own.mllm, seed))
    progress = Progress(f"sampler {variant} seed{seed}", training.sampler.steps)
    asked, rows = ask(layout, own.dataset, "train")
    asked = curated.kept(study, layout, variant, seed, asked)
    asked, queries, rates = _possible(asked, pd.read_parquet(layout.pass_rates(own.mllm, seed)), progress)
    watched, watched_rows = ask(layout, own.dataset, "validation")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sampler = UNetSampler(study.models_of(variant).sampler)
    prepare = rollout_factory(study, layout, variant, own.dataset, mllm)
    module = SamplerTuning(sampler.to(mllm.reasoner.model.device), prepare(rows), asked, queries, rates, training, seed)
    module.watch(prepare(watched_rows), spread(watched, WATCHED))

    params = {name: getattr(training, name).model_dump() for name in ("sampler", "set_likelihood", "key_frames")}
    save = partial(save_sampler, sampler, mllm=os.path.relpath(layout.model(own.mllm, seed), layout.model(variant, seed)))
    fit_and_export(study, layout, variant, seed, module, len(asked), params, save, progress)


def fit_and_export(
    study: Study,
    layout: Layout,
    variant: str,
    seed: int,
    module: WatchedTuning,
    questions: int,
    params: dict[str, Any],
    save: Callable[[Path], None],
    progress: Progress,
) -> None:
    """Train what weighs frames beside a frozen MLLM on batches of distinct questions, and export what `save` writes."""
    settings = study.training_of(variant).sampler

    def batch(step: int) -> dict[str, Any]:
        drawn = step_rng(seed, step).choice(questions, min(settings.questions, questions), replace=False)
        return {"step": step, "questions": drawn[processes.share(len(drawn))]}

    checkpoints = run_folder(study, layout, "sampler", variant, seed, [layout.model(study.mllm_of(variant), seed)])
    with tracking.stage_run(layout, study, stage="sampler", name=variant, seed=seed, params=params) as run:
        fit(module, batch, settings, checkpoints, progress, run.log_metrics)
        run.log_metrics({"validation_accuracy": module.validation_accuracy()}, settings.steps)
    if processes.rank() > 0:
        return
    folder, digest = layout.model(variant, seed), rule_digest(study, "sampler", variant)
    with exported(folder, kind="sampler", variant=variant, seed=seed, settings=digest, extra=study.serving(variant)) as target:
        save(target)


def rollout_factory(
    study: Study,
    layout: Layout,
    variant: str,
    dataset: str,
    mllm: Mllm,
) -> Callable[[pd.DataFrame], Rollouts]:
    """A function from the codec rows of a split to its Rollouts, with one MLLM and one CLIP for all."""
    frames = study.training_of(variant).key_frames
    clip = FrameEmbeddings(ClipScorer.load(layout.clip), layout, dataset, frames.candidate_fps)
    most = study.models_of(variant).sampler.max_queries

    def prepare(rows: pd.DataFrame) -> Rollouts:
        return Rollouts(mllm.reasoner, mllm.looking(layout, rows, frames), clip, rows, frames, most)

    return prepare


def _possible(
    asked: list[Asked], table: pd.DataFrame, progress: Progress
) -> tuple[list[Asked], list[list[str]], NDArray[np.float64]]:
    """Questions with c < 1, their queries and c."""
    rates = dict(zip(table["question_id"], table["pass_rate"].astype(float), strict=True))
    texts = dict(zip(table["question_id"], table["query_text"].astype(str), strict=True))
    missing = [one.question_id for one in asked if one.question_id not in rates]
    if missing:
        raise ValueError(f"the pass rates lack {len(missing)} questions, {missing[0]!r} first: measure them again")
    kept = [one for one in asked if rates[one.question_id] < 1]
    if not kept:
        raise ValueError(f"the base model always answers all {len(asked)} train questions: there is nothing to learn from them")
    progress.say(f"{len(asked) - len(kept)} of {len(asked)} questions left out: the base model always answers them")
    queries = [scoring_queries(texts[one.question_id], one.question) for one in kept]
    return kept, queries, np.array([rates[one.question_id] for one in kept])
