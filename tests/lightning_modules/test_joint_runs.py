"""MSJoE's stages as whole runs: the reward rises, goes on rising after a kill, and a broken MLLM ends in defined numbers."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import build

from framethrift.config import Layout, Study
from framethrift.models.folder import exported, verify
from framethrift.tracking import runs
from lightning_modules import reinforced
from lightning_modules.joint_evolution import JointEvolution, train_joint
from lightning_modules.mllm import load_mllm
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.sampler_pretraining import SamplerTuning, train_sampler

STEPS, KILLED = 60, 25


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Study, Layout]:
    torch.set_num_threads(1)
    return build(tmp_path_factory.mktemp("runs"))


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


def copied(built: tuple[Study, Layout], folder: Path) -> tuple[Study, Layout]:
    """The study's folder, to train in."""
    study, layout = built
    shutil.copytree(layout.root, folder / "results" / "needles")
    return study, Layout(folder / "results" / "needles")


def changed(study: Study, stage: str, **settings: object) -> Study:
    own = getattr(study.training, stage).model_copy(update=settings)
    return study.model_copy(update={"training": study.training.model_copy(update={stage: own})})


def logged(monkeypatch, module: type) -> dict[str, dict[int, float]]:
    """Every metric that the module's training steps log from now on, by step."""
    found: dict[str, dict[int, float]] = {}
    original = module.training_step

    def step(self, batch, index):
        self.log = lambda name, value: found.setdefault(name, {}).update({batch["step"]: float(value)})
        return original(self, batch, index)

    monkeypatch.setattr(module, "training_step", step)
    return found


def test_the_reward_rises_and_goes_on_rising_after_a_kill_and_resume(built, tmp_path, monkeypatch):
    """Four questions, which can be learned by heart; the process dies in mid-run and a new one goes on from its checkpoint."""
    study, layout = copied(built, tmp_path)
    measure_pass_rates(study, layout, "mllm", 0)
    train_sampler(study, layout, "sampler", 0)
    study = changed(
        study, "joint", steps=STEPS, questions=4, group=8, learning_rate=5e-4, sampler_learning_rate=1e-3, checkpoint_every=10
    )
    every = reinforced.ask

    def four(layout, dataset, split):
        asked, rows = every(layout, dataset, split)
        return asked[:4], rows

    monkeypatch.setattr(reinforced, "ask", four)
    found = logged(monkeypatch, JointEvolution)
    steps = JointEvolution.training_step

    def dies(self, batch, index):
        if batch["step"] == KILLED:
            raise RuntimeError("killed")
        return steps(self, batch, index)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(JointEvolution, "training_step", dies)
        train_joint(study, layout, "joint", 0)
    before = dict(found["reward"])
    assert sorted(before) == list(range(KILLED))
    train_joint(study, layout, "joint", 0)
    reward = found["reward"]
    # Steps since the checkpoint are done again, with the same draws from the same weights.
    assert sorted(reward) == list(range(STEPS))
    assert [reward[step] for step in range(20, KILLED)] == [before[step] for step in range(20, KILLED)]
    first, middle, last = (
        np.mean([reward[step] for step in part]) for part in (range(8), range(17, 25), range(STEPS - 8, STEPS))
    )
    assert first + 0.03 < middle, (first, middle, last)
    assert middle + 0.01 < last, (first, middle, last)


def test_a_broken_mllm_ends_with_defined_metrics_and_a_warning_through_all_stages(built, tmp_path, monkeypatch, capfd):
    """Its language model is noise: no query and no answer can ever be parsed."""
    study, layout = copied(built, tmp_path)
    model, processor = load_mllm(layout.model("mllm", 0))
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.language_model.parameters():
            parameter.normal_(std=0.05)
    shutil.rmtree(layout.model("mllm", 0))
    facts = {"kind": "videolm", "variant": "mllm", "seed": 0, "settings": "broken", "extra": study.serving("mllm")}
    with exported(layout.model("mllm", 0), **facts) as target:
        model.save_pretrained(target)
        processor.save_pretrained(target)
    sampler, joint = logged(monkeypatch, SamplerTuning), logged(monkeypatch, JointEvolution)
    measure_pass_rates(study, layout, "mllm", 0)
    assert (pd.read_parquet(layout.pass_rates("mllm", 0))["pass_rate"] == 0).all()
    train_sampler(study, layout, "sampler", 0)
    train_joint(study, layout, "joint", 0)
    for found in (sampler, joint):
        assert all(np.isfinite(list(values.values())).all() and len(values) >= 2 for values in found.values())
    assert set(sampler["accuracy"].values()) == set(joint["reward_accuracy"].values()) == {0.0}
    assert set(joint["reward"].values()) == set(joint["queries_well_formed"].values()) == {0.0}
    assert set(sampler["dead_groups"].values()) == set(joint["dead_groups"].values()) == {1.0}
    assert capfd.readouterr().err.count("none of this step's query texts could be parsed") == 1
    assert verify(layout.model("joint", 0))["kind"] == "joint"
