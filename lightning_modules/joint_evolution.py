"""Stage 2 of MSJoE: GRPO for the MLLM and REINFORCE for the sampler on the same rollouts (facts 1.3, 1.4)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.strategies import ParallelStrategy
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from framethrift.config import Layout, Study
from framethrift.config.training import Training
from framethrift.config.variants import JointVariant
from framethrift.models.completions import Completions, Speaker, completion_log_probability
from framethrift.models.folder import verify
from framethrift.models.reasoning import Written, parse_queries
from framethrift.models.sampler import UNetSampler, load_sampler, save_sampler
from framethrift.models.set_draw import draw_sets, entropy, set_log_probability
from framethrift.progress import Progress
from framethrift.rewards import (
    Rewards,
    centred,
    dead_groups,
    group_advantage,
    grpo_loss,
    importance_weight,
    informative,
    joint_rewards,
    reinforce_loss,
)
from lightning_modules import processes
from lightning_modules.mllm import open_mllm, write_with_vllm
from lightning_modules.reinforced import WatchedTuning, fit_and_export, lessons
from lightning_modules.rollouts import Asked, Rollouts, step_generator

QUESTIONS_AT_ONCE = 8  # groups per backward pass


@dataclass(frozen=True, eq=False)
class Group:
    """The rollouts of B questions, G each, R = B · G rows: what was written, drawn, answered and earned."""

    asked: list[Asked]
    queries: Written
    log_p: Tensor
    chosen: Tensor
    answers: Written
    rewards: Rewards
    firing: float

    @property
    def rows(self) -> list[Asked]:
        """The question of each row."""
        return [one for one in self.asked for _ in range(len(self.chosen) // len(self.asked))]


class JointEvolution(WatchedTuning):
    """One on-policy update of both models per step.

    Of the MLLM the language model is trained; vision tower, projector and newline stay as they are, so that a frame's
    embeddings are computed once (the paper does not say what it trains).
    """

    def __init__(
        self,
        sampler: UNetSampler,
        rollouts: Rollouts,
        asked: list[Asked],
        training: Training,
        seed: int,
        note: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.sampler = sampler
        self._rollouts, self._asked, self._training, self._seed, self._note = rollouts, asked, training, seed, note
        self._pad = rollouts.reasoner.pad_id
        if training.joint.train_mllm:
            self.language_model = self._model.language_model.requires_grad_(True)
        self._warned = False

    @property
    def _model(self) -> Speaker:
        # No attribute: the frozen parts of the MLLM belong into no checkpoint.
        return self._rollouts.reasoner.model

    def accuracy(self, rollouts: Rollouts, asked: list[Asked]) -> float:
        """As `WatchedTuning`, from greedy queries."""
        return rollouts.accuracy(asked, self.sampler)

    def on_train_start(self) -> None:
        """A resumed run's weights are read only now."""
        self._rollouts.reasoner.engine.update()

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """One step: batch holds `step` and the indices `questions` (B,)."""
        settings = self._training.joint
        self.log_watched(batch["step"], settings.checkpoint_every)
        group = self.roll(batch)
        rewards = group.rewards.total
        counted, *others = _as_list(self.optimizers())
        for optimiser in (counted, *others):
            optimiser.zero_grad()
        with self._own_gradients():
            if settings.train_sampler:
                self._backward_sampler(group)
            if settings.train_mllm:
                self._backward_mllm(group, group_advantage(rewards))
        processes.average_gradients(self.parameters())
        for part in self.children():
            clip_grad_norm_(part.parameters(), settings.gradient_clip)
        # Lightning counts a step per optimiser; the run counts one per batch, so only the first goes through Lightning.
        counted.step()
        for optimiser in others:
            optimiser.optimizer.step()
        if settings.train_mllm:
            self._rollouts.reasoner.engine.update()
        self._report(group)

    def _own_gradients(self) -> AbstractContextManager[None]:
        """No exchange of gradients between processes within: how many backward passes a process makes depends on its rewards."""
        if processes.count() == 1:
            return nullcontext()
        strategy = self.trainer.strategy
        assert isinstance(strategy, ParallelStrategy)
        return strategy.block_backward_sync()

    @torch.no_grad()
    def _answered(self, rows: Sequence[Asked], chosen: Tensor, generator: torch.Generator) -> Written:
        frames = self._rollouts.frames(rows, chosen)
        return self._rollouts.reasoner.answer([one.prompt for one in rows], frames, self._training.joint.temperature, generator)

    def roll(self, batch: dict[str, Any]) -> Group:
        """G rollouts of each question of the batch: sampled queries, one drawn frame set each, sampled answers, rewards."""
        settings = self._training.joint
        asked = [self._asked[index] for index in batch["questions"]]
        generator = step_generator(self._seed, batch["step"], processes.stream("joint"), self._model.device)
        texts = [one.question for one in asked]
        previews = self._rollouts.previews(asked)
        queries = self._rollouts.reasoner.write_queries(texts, previews, settings.group, settings.temperature, generator)
        rows = [one for one in asked for _ in range(settings.group)]
        parsed = [parse_queries(text) for text in queries.texts]
        given = self._rollouts.scores(rows, [found or [one.question] for found, one in zip(parsed, rows, strict=True)])
        with torch.set_grad_enabled(settings.train_sampler):
            log_p = self.sampler(given.similarity, given.query_mask, given.frame_mask)
        chosen = draw_sets(log_p, self._training.key_frames.frames, 1, generator)[:, 0]
        answers = self._answered(rows, chosen, generator)
        read = np.array([one.read(text) for one, text in zip(rows, answers.texts, strict=True)])
        fired = [
            informative(cosines, self._rollouts.logit_scale, settings.informativeness_ratio) if found else np.zeros(1, bool)
            for cosines, found in zip(given.rows(), parsed, strict=True)
        ]
        shape = (len(asked), settings.group)
        rewards = joint_rewards(
            read[:, 0].reshape(shape),
            (read[:, 1] & np.array([bool(found) for found in parsed])).reshape(shape),
            np.array([share.mean() for share in fired]).reshape(shape),
            settings,
        )
        written = [share for share, found in zip(fired, parsed, strict=True) if found]
        firing = float(np.concatenate(written).mean()) if written else 0.0
        return Group(asked, queries, log_p, chosen, answers, rewards, firing)

    def _backward_sampler(self, group: Group) -> None:
        likelihood = self._training.set_likelihood
        shared = group.rewards.total if self._training.joint.sampler_advantage == "total" else group.rewards.accuracy
        advantage = centred(shared) if likelihood.centred_advantage else shared
        log_sets = set_log_probability(group.log_p, group.chosen[:, None], likelihood.log_probability)[:, 0]
        self.manual_backward(reinforce_loss(log_sets, torch.from_numpy(advantage).flatten().to(log_sets)))

    def _backward_mllm(self, group: Group, advantage: NDArray[np.float64]) -> None:
        """GRPO's gradient on query and answer tokens; dead groups add nothing to it and are left out of the passes."""
        size = advantage.shape[1]
        alive = np.flatnonzero(~dead_groups(group.rewards.total))
        for start in range(0, len(alive), QUESTIONS_AT_ONCE):
            some = alive[start : start + QUESTIONS_AT_ONCE]
            rows = torch.from_numpy((some[:, None] * size + np.arange(size)).ravel())
            turns = [
                (group.queries.completions, [group.queries.prompts[index] for index in some]),
                (group.answers.completions, [group.answers.prompts[index] for index in rows.tolist()]),
            ]
            new, written, mask = [], [], []
            for completions, prompts in turns:
                own = Completions(completions.tokens[rows], completions.mask[rows], completions.log_probability[rows])
                new.append(completion_log_probability(self._model, prompts, own, self._training.joint.temperature, self._pad))
                written.append(own.log_probability)
                mask.append(own.mask)
            given = torch.from_numpy(advantage[some].ravel()).to(new[0])
            loss = self._grpo(torch.cat(new, dim=1), torch.cat(written, dim=1), torch.cat(mask, dim=1), given)
            self.manual_backward(loss * (len(rows) / advantage.size))

    def _grpo(self, new: Tensor, written: Tensor, mask: Tensor, advantage: Tensor) -> Tensor:
        """GRPO's loss of tokens (R, L), with what an engine of its own wrote weighed by how probable the model finds it."""
        settings = self._training.joint
        if not self._rollouts.reasoner.engine.corrected:
            return grpo_loss(new, written, advantage, mask, settings.clip_range)
        weight = importance_weight(new, written, mask, settings.importance_cap)
        self.log("importance_weight", weight[mask].mean())
        self.log("importance_truncated", (weight[mask] == settings.importance_cap).float().mean())
        # Each rollout is used once, so that the model that wrote is the model that learns.
        return grpo_loss(new, new.detach(), advantage, mask, settings.clip_range, weight)

    def _report(self, group: Group) -> None:
        rewards, size = group.rewards, group.rewards.total.shape[1]
        well_formed = float(np.mean([bool(parse_queries(text)) for text in group.queries.texts]))
        texts = [group.queries.texts[start : start + size] for start in range(0, len(group.queries.texts), size)]
        written = group.queries.completions
        self.log("reward", rewards.total.mean())
        self.log("reward_accuracy", rewards.accuracy.mean())
        self.log("reward_format", rewards.format.mean())
        self.log("reward_informativeness", rewards.informativeness.mean())
        self.log("queries_well_formed", well_formed)
        self.log("informativeness_firing", group.firing)
        self.log("dead_groups", float(dead_groups(rewards.total).mean()))
        self.log("query_diversity", float(np.mean([len(set(some)) / size for some in texts])))
        self.log("query_log_probability", float(written.log_probability.sum() / written.mask.sum()))
        self.log("sampler_entropy", float(entropy(group.log_p.detach()).mean()))
        self.log("evidence_coverage", self._rollouts.coverage(group.rows, group.chosen.cpu().numpy()))
        if well_formed == 0 and not self._warned:
            self._warned = True
            self._note("warning: none of this step's query texts could be parsed; the bare questions score the frames")

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimiser per trained model, constant learning rates."""
        settings = self._training.joint
        optimisers: list[torch.optim.Optimizer] = []
        if settings.train_mllm:
            trained = self.language_model.parameters()
            optimisers.append(torch.optim.AdamW(trained, lr=settings.learning_rate, weight_decay=0.0))
        if settings.train_sampler:
            optimisers.append(torch.optim.Adam(self.sampler.parameters(), lr=settings.sampler_learning_rate))
        return optimisers


def _as_list(optimisers: Any) -> list[Any]:
    return optimisers if isinstance(optimisers, list) else [optimisers]


def train_joint(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Train a joint variant from its sampler variant, and export one folder: the full MLLM, the sampler, the manifest last."""
    own = study.variants[variant]
    assert isinstance(own, JointVariant)
    training = study.training_of(variant)
    base, sampled = layout.model(study.mllm_of(variant), seed), layout.model(own.sampler, seed)
    mllm = open_mllm(base, trained=training.joint.train_mllm)
    if training.joint.engine == "vllm":
        write_with_vllm(mllm.reasoner, training.joint)
    verify(sampled)
    sampler = load_sampler(sampled)[0].to(mllm.reasoner.model.device)
    sampler.requires_grad_(training.joint.train_sampler)
    progress = Progress(f"joint {variant} seed{seed}", training.joint.steps)
    asked, rollouts, watching = lessons(study, layout, variant, seed, mllm)
    module = JointEvolution(sampler, rollouts, asked, training, seed, progress.say)
    module.watch(*watching)

    def save(target: Path) -> None:
        mllm.save(target)
        save_sampler(sampler, target, mllm=".")

    fit_and_export(
        *(module.train(), study, layout, "joint", variant, seed),
        questions=len(asked),
        models=[base, sampled],
        params={name: getattr(training, name).model_dump() for name in ("joint", "set_likelihood", "key_frames")},
        progress=progress,
        save=save,
        facts=mllm.facts,
    )
