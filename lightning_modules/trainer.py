"""One resumable Lightning run, shared by every training stage."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch.utils.data import DataLoader, IterableDataset

from framethrift.config.training import JointEvolution, Optimisation, SamplerPretraining
from framethrift.models.cpu_linear import multiply_by_onednn
from framethrift.progress import Progress
from lightning_modules import processes
from lightning_modules.checkpoints import Checkpoints, resume_point

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

Schedule = Optimisation | SamplerPretraining | JointEvolution


class DivergedError(RuntimeError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


class StepBatches(IterableDataset):
    """An endless stream of batches, each a pure function of its step: a resumed run sees exactly the same ones.

    `build(step)` makes what a step learns from: one batch, or with `parts` a list of so many, whose gradients are added up. With
    `ahead` a thread makes it while the step before is trained. `waited` is for how many seconds the training had to wait.
    """

    def __init__(self, build: Callable[[int], Any], parts: int = 1, ahead: bool = False) -> None:
        self._build = build if parts > 1 else lambda step: [build(step)]
        self._ahead = ahead
        self._trainer: lightning.Trainer | None = None
        self.waited = 0.0

    def attach(self, trainer: lightning.Trainer) -> None:
        """Start the stream at the step that `trainer` has reached."""
        self._trainer = trainer

    def __iter__(self) -> Iterator[Any]:
        step = self._trainer.global_step if self._trainer else 0
        built = self._in_a_thread(step) if self._ahead else map(self._build, count(step))
        while True:
            began = time.monotonic()
            parts = next(built)
            self.waited += time.monotonic() - began
            yield from parts

    def _in_a_thread(self, first: int) -> Iterator[list[Any]]:
        # The number of threads is each thread's own.
        with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),)) as worker:
            coming = worker.submit(self._build, first)
            for step in count(first + 1):
                parts = coming.result()
                coming = worker.submit(self._build, step)
                yield parts


class _Report(Callback):
    """Shows how far the run is, passes its metrics on, and stops on a loss that is no number: before it is saved."""

    def __init__(
        self, progress: Progress | None, log: Callable[[dict[str, float], int], None], every: int, batches: StepBatches
    ) -> None:
        self._progress, self._log, self._every, self._batches = progress, log, every, batches

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._began, self._waited = time.monotonic(), self._batches.waited
        if self._progress:
            self._progress.start(trainer.global_step)

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return
        metrics = processes.average({name: float(value) for name, value in trainer.callback_metrics.items()}, trainer)
        for name, value in metrics.items():
            if not math.isfinite(value):
                raise DivergedError(
                    f"{name} is {value} at step {trainer.global_step}; the last good checkpoint is kept: lower the learning "
                    f"rate and run again"
                )
        if self._progress:
            self._progress.update(trainer.global_step, **metrics)
        if trainer.global_step % self._every == 0:
            now, waited = time.monotonic(), self._batches.waited
            share = (waited - self._waited) / (now - self._began)
            self._log(metrics | {"data_wait_share": share}, trainer.global_step)
            self._began, self._waited = now, waited


def fit(
    module: lightning.LightningModule,
    build_batch: Callable[[int], Any],
    settings: Schedule,
    checkpoints: Path,
    progress: Progress,
    log_metrics: Callable[[dict[str, float], int], None],
    *,
    log_every: int = 20,
    parts: int = 1,
    ahead: bool = False,
) -> None:
    """Train `module` for `settings.steps` optimiser steps, from the newest checkpoint in `checkpoints` if there is one.

    `build_batch(step)` makes the batch of a step, or this process's share of it; with `parts` a list of so many batches that pass
    through the model one after the other: their gradients, each divided by `parts`, are added up. `ahead` makes batches in a
    thread beside the training, for builders that read nothing which the training changes. A module that overrides
    `configure_model` splits itself over the processes there. Raises DivergedError when a logged metric is NaN or infinite, and
    Interrupted, with the state saved, when the job is asked to stop or about to end.
    """
    first = processes.rank() == 0
    say = progress.say if first else _silent
    batches = StepBatches(build_batch, parts, ahead)
    multiply_by_onednn(module)
    trainer = lightning.Trainer(
        **processes.trainer_settings(sharded=is_overridden("configure_model", module)),
        max_steps=settings.steps,
        max_epochs=-1,
        accumulate_grad_batches=parts,
        precision=getattr(settings, "precision", "32-true"),
        gradient_clip_val=settings.gradient_clip if module.automatic_optimization else None,
        callbacks=[
            _Report(progress if first else None, log_metrics, log_every, batches),
            Checkpoints(checkpoints, settings.checkpoint_every, say),
        ],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )
    batches.attach(trainer)
    resumed = resume_point(checkpoints, say)
    if resumed:
        say(f"resuming from {resumed.name}")
    trainer.fit(module, DataLoader(batches, batch_size=None), ckpt_path=resumed, weights_only=True)
    if first:
        progress.finish()


def _silent(line: str) -> None:
    """What the other processes say: they would only repeat the first one."""
