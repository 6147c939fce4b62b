"""A run that was cut off ends like one that was not."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch

from framethrift.config.training import Optimisation
from framethrift.progress import Progress
from lightning_modules.checkpoints import resume_point
from lightning_modules.data import step_rng
from lightning_modules.interruption import END_VARIABLE, LEAVE
from lightning_modules.schedule import adamw, factor
from lightning_modules.trainer import DivergedError, fit

SETTINGS = Optimisation(steps=8, batch_size=4, learning_rate=0.05, warmup_steps=2, weight_decay=0.01, checkpoint_every=2)
UNEVEN = SETTINGS.model_copy(update={"checkpoint_every": 3})


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


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path, damage: str) -> None:
    whole = Line()
    run(whole, tmp_path)
    said: list[str] = []
    newest = resume_point(tmp_path, said.append)
    assert newest is not None and newest.name == "step=8.ckpt" and not said
    data = bytearray(newest.read_bytes())
    data[data.index(whole.layer.weight.detach().numpy().tobytes())] ^= 1
    newest.write_bytes({"cut": bytes(data[: len(data) // 2]), "flipped": bytes(data), "empty": b""}[damage])
    before = resume_point(tmp_path, said.append)
    assert before is not None and before.name == "step=6.ckpt"
    assert "step=8.ckpt is damaged" in said[0]
    again = Line()
    run(again, tmp_path)
    assert again.seen == [6, 7] and torch.equal(again.layer.weight, whole.layer.weight)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step=6.ckpt", "step=8.ckpt"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_saves_the_state_and_the_next_run_goes_on_bit_by_bit(tmp_path: Path, number: signal.Signals) -> None:
    whole = Line()
    run(whole, tmp_path / "whole")
    heard = signal.getsignal(number)

    def told(step: int) -> dict[str, Any]:
        if step == 4:
            os.kill(os.getpid(), number)
        return build(step)

    with pytest.raises(SystemExit) as left:
        run(Line(UNEVEN), tmp_path / "cut", told)
    assert left.value.code == LEAVE
    newest = resume_point(tmp_path / "cut", print)
    assert newest is not None and newest.name == "step=4.ckpt"  # step 4's batch is built ahead, while step 3 is trained
    assert signal.getsignal(number) is heard
    resumed = Line()
    run(resumed, tmp_path / "cut")
    assert resumed.seen == [4, 5, 6, 7]
    assert torch.equal(resumed.layer.weight, whole.layer.weight)


def test_a_job_about_to_end_is_left_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(END_VARIABLE, str(time.time() + 3))

    def slow(step: int) -> dict[str, Any]:
        time.sleep(0.8)
        return build(step)

    with pytest.raises(SystemExit):
        run(Line(), tmp_path, slow)
    reached = max(int(path.stem.removeprefix("step=")) for path in tmp_path.iterdir())
    assert 1 <= reached < 4


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    """It was cut off while its model was exported."""
    run(Line(), tmp_path)
    again = Line()
    assert run(again, tmp_path) == {} and again.seen == []


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"loss is nan at step 6"):
        run(Line(poison=5), tmp_path)
    kept = resume_point(tmp_path, print)
    assert kept is not None and kept.name == "step=4.ckpt"


class Halves(Line):
    """The same, with gradients of two halves of a batch added up."""

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
        assert batch_idx % 2 == batch["half"]
        return super().training_step(batch, batch_idx)


def halved(step: int) -> list[dict[str, Any]]:
    whole = build(step)
    return [{"x": whole["x"][rows], "y": whole["y"][rows], "step": step, "half": n} for n, rows in enumerate(([0, 1], [2, 3]))]


@pytest.mark.parametrize("ahead", [False, True])
def test_parts_of_a_batch_learn_what_the_whole_does_and_are_resumed_at_whole_steps(tmp_path: Path, ahead: bool) -> None:
    whole = Line()
    run(whole, tmp_path / "whole")

    def fitted(module: Line, folder: Path, batches: Callable[[int], Any]) -> None:
        progress = Progress("halves", 8)
        fit(module, batches, SETTINGS, folder, progress, lambda metrics, step: None, log_every=1, parts=2, ahead=ahead)

    def told(step: int) -> list[dict[str, Any]]:
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return halved(step)

    cut = Halves()
    with pytest.raises(SystemExit):
        fitted(cut, tmp_path / "cut", told)
    reached = len(cut.seen) // 2
    assert len(cut.seen) % 2 == 0 and 2 <= reached <= 4  # never amid a step
    resumed = Halves()
    fitted(resumed, tmp_path / "cut", halved)
    assert resumed.seen == [step for step in range(reached, 8) for _ in range(2)]
    assert torch.allclose(resumed.layer.weight, whole.layer.weight, atol=1e-6)


def test_batches_made_ahead_are_the_same_and_their_errors_come_in_turn(tmp_path: Path) -> None:
    whole, ahead = Line(), Line()
    run(whole, tmp_path / "whole")
    made: list[int] = []

    def slow(step: int) -> dict[str, Any]:
        assert torch.get_num_threads() == threads
        made.append(step)
        return build(step)

    threads = torch.get_num_threads()
    shares: list[float] = []
    fit(
        ahead, slow, SETTINGS, tmp_path / "ahead", Progress("line", 8),
        lambda metrics, step: shares.append(metrics["data_wait_share"]), log_every=1, ahead=True,
    )  # fmt: skip
    assert torch.equal(ahead.layer.weight, whole.layer.weight)
    assert made[:8] == list(range(8)) and all(0 <= share <= 1 for share in shares) and len(shares) == 8

    def failing(step: int) -> dict[str, Any]:
        if step == 5:
            raise Cut
        return build(step)

    failed = Line()
    with pytest.raises(Cut):
        fit(failed, failing, SETTINGS, tmp_path / "cut", Progress("line", 8), lambda metrics, step: None, ahead=True)
    assert failed.seen in ([0, 1, 2, 3], [0, 1, 2, 3, 4])


def test_schedule_warms_up_and_decays_to_zero() -> None:
    values = [factor(step, 2, 10) for step in range(11)]
    assert values[:3] == [1 / 3, 2 / 3, 1.0]
    assert values[2:] == sorted(values[2:], reverse=True)
    assert values[10] == pytest.approx(0.0)
