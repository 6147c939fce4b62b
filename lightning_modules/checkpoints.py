"""Resumable states of a training: written atomically, checked before use, two kept."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from lightning_modules import processes
from lightning_modules.interruption import Interrupted, Interruption, job_end

KEPT = 2  # should the newest be damaged, there is one before


def saved_steps(folder: Path) -> dict[int, Path]:
    """Step → checkpoint file, newest first."""
    found = {int(path.stem.removeprefix("step=")): path for path in folder.glob("step=*.ckpt")}
    return dict(sorted(found.items(), reverse=True))


def resume_point(folder: Path, say: Callable[[str], None]) -> Path | None:
    """Newest whole checkpoint of `folder`, or None; a damaged one is named through `say` and deleted.

    A checkpoint is a zip archive with a CRC of every part: truncation and flipped bits are found without loading it, which
    for a large model would need its memory once more.
    """
    for path in saved_steps(folder).values():
        problem = _damage(path)
        if problem is None:
            return path
        say(f"checkpoint {path.name} is damaged ({problem}) and was deleted; falling back to the one before")
        path.unlink(missing_ok=True)
    return None


def _damage(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, FileNotFoundError, EOFError) as error:
        return str(error)
    return None if bad is None else f"{bad} does not have its CRC"


class Checkpoints(Callback):
    """Saves every `every` steps, at the end, and before leaving early; leaves when `Interruption` says so."""

    def __init__(self, folder: Path, every: int, say: Callable[[str], None]) -> None:
        self._folder, self._every, self._say = folder, every, say
        self._step_seconds = self._save_seconds = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self._interruption = Interruption(job_end(self._say) if processes.rank() == 0 else None)
        self._interruption.listen()  # after Lightning, whose own handling of SIGTERM saves nothing
        self._saved = self._began = trainer.global_step
        self._ended_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if (batch_idx + 1) % trainer.accumulate_grad_batches:
            return  # amid a step: what its parts have added up is in no checkpoint
        step, now = trainer.global_step, time.monotonic()
        if step > self._began + 1:  # the first step also fills caches
            self._step_seconds = max(self._step_seconds, now - self._ended_at)
        if step % self._every == 0 or step == trainer.max_steps:
            self._save(trainer)
        reason = self._interruption.reason(self._step_seconds, self._save_seconds)
        if step < trainer.max_steps and trainer.strategy.reduce_boolean_decision(reason is not None, all=False):
            self._save(trainer)
            self._say(f"{reason or 'another process leaves'}: state saved at step {step}, leaving to be run again")
            raise Interrupted
        self._ended_at = time.monotonic()

    def _save(self, trainer: lightning.Trainer) -> None:
        step = trainer.global_step
        if step == self._saved:
            return
        began = time.monotonic()
        trainer.save_checkpoint(self._folder / f"step={step}.ckpt")
        if processes.rank() == 0:
            for path in list(saved_steps(self._folder).values())[KEPT:]:
                path.unlink()
        self._saved, self._save_seconds = step, max(self._save_seconds, time.monotonic() - began)
