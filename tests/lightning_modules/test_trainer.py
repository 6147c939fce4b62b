"""A run that was cut off ends like one that was not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch

from framethrift.config.training import Optimisation
from framethrift.progress import Progress
from lightning_modules.data import step_rng
from lightning_modules.schedule import adamw, factor
from lightning_modules.trainer import DivergedError, fit, resume_point

SETTINGS = Optimisation(steps=8, batch_size=4, learning_rate=0.05, warmup_steps=2, weight_decay=0.01, checkpoint_every=2)


class Line(lightning.LightningModule):
    """Fits y = x·w."""

    def __init__(self, settings: Optimisation = SETTINGS, poison: int | None = None) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)
        torch.nn.init.constant_(self.layer.weight, 0.5)
        torch.nn.init.zeros_(self.layer.bias)
        self._settings, self._poison = settings, poison
        self.seen: list[int] = []

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
        self.seen.append(batch["step"])
        loss = (self.layer(batch["x"]) - batch["y"]).square().mean()
        if batch["step"] == self._poison:
            loss = loss * float("nan")
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return adamw([{"params": self.parameters()}], self._settings)


def build(step: int) -> dict[str, Any]:
    x = torch.from_numpy(step_rng(0, step).normal(size=(4, 3))).float()
    return {"x": x, "y": x.sum(dim=1, keepdim=True), "step": step}


def run(module: Line, folder: Path, batches: Callable[[int], Any] = build) -> dict[int, float]:
    logged: dict[int, float] = {}

    def log(metrics: dict[str, float], step: int) -> None:
        logged[step] = metrics["loss"]

    fit(module, batches, module._settings, folder, Progress("line", module._settings.steps), log, log_every=1)
    return logged


class Cut(Exception):
    """The machine went away."""


def test_resumed_training_equals_an_undisturbed_run_bit_by_bit(tmp_path: Path) -> None:
    whole = Line()
    losses = run(whole, tmp_path / "whole")

    def interrupted(step: int) -> dict[str, Any]:
        if step == 5:
            raise Cut
        return build(step)

    with pytest.raises(Cut):
        run(Line(), tmp_path / "cut", interrupted)
    resumed = Line()
    later = run(resumed, tmp_path / "cut")
    assert resumed.seen == [4, 5, 6, 7]
    assert later == {step: losses[step] for step in (5, 6, 7, 8)}
    assert torch.equal(resumed.layer.weight, whole.layer.weight)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    run(Line(), tmp_path)
    said: list[str] = []
    newest = resume_point(tmp_path, said.append)
    assert newest is not None and newest.name == "step=8.ckpt" and not said
    newest.write_bytes(newest.read_bytes()[:100])
    before = resume_point(tmp_path, said.append)
    assert before is not None and before.name == "step=6.ckpt"
    assert "step=8.ckpt" in said[0]


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"loss is nan at step 6"):
        run(Line(poison=5), tmp_path)
    kept = resume_point(tmp_path, print)
    assert kept is not None and kept.name == "step=4.ckpt"


def test_schedule_warms_up_and_decays_to_zero() -> None:
    values = [factor(step, 2, 10) for step in range(11)]
    assert values[:3] == [1 / 3, 2 / 3, 1.0]
    assert values[2:] == sorted(values[2:], reverse=True)
    assert values[10] == pytest.approx(0.0)
