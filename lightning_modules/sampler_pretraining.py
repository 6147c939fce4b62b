"""Stage 1 of MSJoE: REINFORCE on the sampler with the difficulty-aware advantage, the MLLM frozen (facts 1.5)."""

import os
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.config import Layout, Study
from framethrift.config.training import Training
from framethrift.models.reasoning import scoring_queries
from framethrift.models.sampler import UNetSampler, save_sampler
from framethrift.models.set_draw import draw_sets, entropy, set_log_probability
from framethrift.progress import Progress
from framethrift.rewards import centred, dead_groups, difficulty_advantage, group_advantage, reinforce_loss
from lightning_modules import processes
from lightning_modules.mllm import open_mllm
from lightning_modules.reinforced import WatchedTuning, fit_and_export, lessons
from lightning_modules.rollouts import Asked, Rollouts, step_generator


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
        self._watched_queries: list[list[str]] = []

    def watch(self, rollouts: Rollouts, asked: list[Asked]) -> None:
        """As `WatchedTuning`; the MLLM is frozen, so that the questions' queries are written once."""
        super().watch(rollouts, asked)
        self._watched_queries = rollouts.queries(asked)

    def accuracy(self, rollouts: Rollouts, asked: list[Asked]) -> float:
        """As `WatchedTuning`, of the watched questions."""
        return rollouts.accuracy(asked, self.sampler, self._watched_queries)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """One step: batch holds `step` and the indices `questions` (B,)."""
        settings, likelihood = self._training.sampler, self._training.set_likelihood
        self.log_watched(batch["step"], settings.checkpoint_every)
        asked = [self._asked[index] for index in batch["questions"]]
        given = self._rollouts.scores(asked, [self._queries[index] for index in batch["questions"]])
        log_p = self.sampler(given.similarity, given.query_mask, given.frame_mask)
        generator = step_generator(self._seed, batch["step"], processes.stream("sampler"), log_p.device)
        chosen = draw_sets(log_p, self._training.key_frames.frames, settings.draws, generator)
        right = self._rollouts.right(asked, chosen)
        advantage = self._advantage(right, self._pass_rate[batch["questions"]])
        log_sets = set_log_probability(log_p, chosen, likelihood.log_probability)
        loss = reinforce_loss(log_sets, torch.from_numpy(advantage).to(log_sets))
        repeated = [one for one in asked for _ in range(settings.draws)]
        self.log("accuracy", right.mean())
        self.log("advantage", advantage.mean())
        self.log("entropy", entropy(log_p).mean())
        self.log("evidence_coverage", self._rollouts.coverage(repeated, chosen.flatten(0, 1).cpu().numpy()))
        self.log("dead_groups", float(dead_groups(right.astype(float)).mean()))
        return loss

    def _advantage(self, right: NDArray[np.bool_], pass_rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """(B, D) advantages of right and wrong answers to questions of pass rates (B,)."""
        if self._training.sampler.advantage == "group":
            return group_advantage(right.astype(np.float64))
        advantage = difficulty_advantage(right, pass_rate, self._training.sampler.impossible_bonus)
        return centred(advantage) if self._training.set_likelihood.centred_advantage else advantage

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, constant learning rate."""
        return torch.optim.Adam(self.sampler.parameters(), lr=self._training.sampler.learning_rate)


def train_sampler(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Pre-train a sampler variant beside its frozen MLLM, and export sampler.safetensors, sampler.json and manifest.

    Reads the pass rates of the MLLM. Questions that it always answers (c = 1) are left out: their advantage is undefined.
    Raises ValueError when no question is left, or the pass rates miss one.
    """
    base, training = layout.model(study.mllm_of(variant), seed), study.training_of(variant)
    mllm = open_mllm(base)
    progress = Progress(f"sampler {variant} seed{seed}", training.sampler.steps)
    asked, rollouts, watching = lessons(study, layout, variant, seed, mllm)
    asked, queries, rates = _possible(asked, pd.read_parquet(layout.pass_rates(study.mllm_of(variant), seed)), progress)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sampler = UNetSampler(study.models_of(variant).sampler)
    module = SamplerTuning(sampler.to(mllm.reasoner.model.device), rollouts, asked, queries, rates, training, seed)
    module.watch(*watching)
    fit_and_export(
        *(module, study, layout, "sampler", variant, seed),
        questions=len(asked),
        models=[base],
        params={name: getattr(training, name).model_dump() for name in ("sampler", "set_likelihood", "key_frames")},
        progress=progress,
        save=partial(save_sampler, sampler, mllm=os.path.relpath(base, layout.model(variant, seed))),
    )


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
