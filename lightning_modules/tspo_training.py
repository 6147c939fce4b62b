"""Training TSPO's agent beside a frozen MLLM (arXiv 2508.04369; facts from its paper and code)."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from framethrift.config import Layout, Study
from framethrift.config.training import Training
from framethrift.models.set_draw import draw_sets, entropy
from framethrift.models.tspo import TspoAgent, save_agent
from framethrift.progress import Progress
from framethrift.rewards import dead_groups, group_advantage, reinforce_loss
from lightning_modules import processes
from lightning_modules.mllm import open_mllm
from lightning_modules.reinforced import WatchedTuning, fit_and_export, lessons
from lightning_modules.rollouts import Asked, Rollouts, step_generator


class TspoTuning(WatchedTuning):
    """Draws groups of frame sets, lets the frozen MLLM answer greedily, and raises what does better than its group.

    Reward R_A + R_T: the answer is right, and the share of the drawn frames that show evidence (needle data). The log-probability
    is averaged over a set's frames, as in the authors' code, whose ratio to its own detached value has this gradient.
    """

    def __init__(self, agent: TspoAgent, rollouts: Rollouts, asked: list[Asked], training: Training, seed: int) -> None:
        super().__init__()
        self.agent = agent
        self._rollouts, self._asked, self._training, self._seed = rollouts, asked, training, seed

    def accuracy(self, rollouts: Rollouts, asked: list[Asked]) -> float:
        """As `WatchedTuning`."""
        return rollouts.accuracy_of(asked, lambda some: self.agent(*rollouts.embeddings(some)))

    def temperature(self, step: int) -> float:
        """The softmax's temperature at a step: linear from the first to the last."""
        first, last = self.agent.settings.first_temperature, self.agent.settings.temperature
        return first + (last - first) * step / max(1, self._training.sampler.steps - 1)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """One step: batch holds `step` and the indices `questions` (B,)."""
        settings = self._training.sampler
        self.log_watched(batch["step"], settings.checkpoint_every)
        asked = [self._asked[index] for index in batch["questions"]]
        log_p = self.agent(*self._rollouts.embeddings(asked), temperature=self.temperature(batch["step"]))
        generator = step_generator(self._seed, batch["step"], processes.stream("tspo"), log_p.device)
        chosen = draw_sets(log_p, self._training.key_frames.frames, settings.draws, generator)
        right = self._rollouts.right(asked, chosen)
        shown = self._rollouts.shown(asked, chosen.cpu().numpy())
        rewards = right + (shown if self.agent.settings.evidence_reward else np.zeros_like(shown))
        picked = log_p[:, None].expand(-1, settings.draws, -1).gather(2, chosen).mean(dim=-1)
        self.log("accuracy", right.mean())
        self.log("reward", rewards.mean())
        self.log("evidence_share", shown.mean())
        self.log("entropy", entropy(log_p.detach()).mean())
        self.log("dead_groups", float(dead_groups(rewards).mean()))
        return reinforce_loss(picked, torch.from_numpy(group_advantage(rewards)).to(picked))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW without decay, constant learning rate."""
        return torch.optim.AdamW(self.agent.parameters(), lr=self._training.sampler.learning_rate, weight_decay=0.0)


def train_tspo(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Train TSPO's agent of a sampler variant (`method: tspo`), and export tspo.safetensors, tspo.json and the manifest.

    It learns from all train questions that curation keeps: TSPO filters its data beforehand, by an MLLM's answers.
    Raises ValueError when the dataset has no question that a rule can check.
    """
    base, training = layout.model(study.mllm_of(variant), seed), study.training_of(variant)
    mllm = open_mllm(base)
    asked, rollouts, watching = lessons(study, layout, variant, seed, mllm)
    width = rollouts.embeddings(asked[:1])[0].shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        agent = TspoAgent(study.models_of(variant).tspo, width)
    module = TspoTuning(agent.to(mllm.reasoner.model.device), rollouts, asked, training, seed)
    module.watch(*watching)
    fit_and_export(
        *(module, study, layout, "sampler", variant, seed),
        questions=len(asked),
        models=[base],
        params={
            "tspo": agent.settings.model_dump(),
            "sampler": training.sampler.model_dump(),
            "key_frames": training.key_frames.model_dump(),
        },
        progress=Progress(f"sampler {variant} seed{seed}", training.sampler.steps),
        save=partial(save_agent, agent),
    )
