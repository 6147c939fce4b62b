"""MSJoE's stage 2: rollouts, rewards, updates, controls, resuming, the exported folder."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import build, shortened

from framethrift.cli.launch import launch_command
from framethrift.config import Layout, Study
from framethrift.models.completions import completion_log_probability
from framethrift.models.folder import verify
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.sampler import UNetSampler, load_sampler
from framethrift.rewards import dead_groups, group_advantage, grpo_loss
from framethrift.tracking import runs
from lightning_modules.joint_evolution import JointEvolution, train_joint
from lightning_modules.mllm import open_mllm
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.reinforced import rollout_factory
from lightning_modules.rollouts import ask
from lightning_modules.sampler_pretraining import train_sampler


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> tuple[Study, Layout]:
    """The study up to the pre-trained sampler."""
    torch.set_num_threads(1)
    study, layout = build(tmp_path_factory.mktemp("stage2"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_push", lambda layout: None)
        measure_pass_rates(study, layout, "mllm", 0)
        train_sampler(study, layout, "sampler", 0)
    return study, layout


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


@pytest.fixture
def fresh(pretrained, tmp_path) -> tuple[Study, Layout]:
    """A copy of the study's folder that a test may train in."""
    study, layout = pretrained
    shutil.copytree(layout.root, tmp_path / "results" / "needles")
    return study, Layout(tmp_path / "results" / "needles")


def module(study: Study, layout: Layout, said: list[str] | None = None) -> JointEvolution:
    asked, rows = ask(layout, "needle", "train")
    sampler = load_sampler(layout.model("sampler", 0))[0]
    rollouts = rollout_factory(study, layout, "joint", "needle", open_mllm(layout.model("mllm", 0)))(rows)
    say = said.append if said is not None else print
    return JointEvolution(sampler, rollouts, asked, study.training_of("joint"), 0, say)


def weights(layout: Layout) -> dict[str, torch.Tensor]:
    """Everything that a joint variant's folder holds."""
    folder = layout.model("joint", 0)
    model = CopeVideoForConditionalGeneration.from_pretrained(folder).state_dict()
    return model | {f"sampler.{name}": value for name, value in load_sampler(folder)[0].state_dict().items()}


def changed(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> set[str]:
    """Which parts differ: the first name of every changed weight."""
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


def with_joint(study: Study, **changes) -> Study:
    joint = study.training.joint.model_copy(update=changes)
    return study.model_copy(update={"training": study.training.model_copy(update={"joint": joint})})


def base(layout: Layout) -> dict[str, torch.Tensor]:
    model = CopeVideoForConditionalGeneration.from_pretrained(layout.model("mllm", 0)).state_dict()
    return model | {f"sampler.{name}": value for name, value in load_sampler(layout.model("sampler", 0))[0].state_dict().items()}


@pytest.mark.parametrize(
    ("controls", "parts"),
    [({}, {"language_model", "sampler"}), ({"train_sampler": False}, {"language_model"}), ({"train_mllm": False}, {"sampler"})],
)
def test_only_what_shall_be_trained_changes(fresh, controls, parts):
    study, layout = fresh
    train_joint(with_joint(study, **controls), layout, "joint", 0)
    assert changed(base(layout), weights(layout)) == parts
    facts = verify(layout.model("joint", 0))
    assert facts["kind"] == "joint" and {"model.safetensors", "sampler.json", "sampler.safetensors"} <= set(facts["files"])
    assert json.loads((layout.model("joint", 0) / "sampler.json").read_text())["mllm"] == "."


def test_interrupted_and_resumed_training_is_the_same_bit_by_bit(fresh, tmp_path):
    study, layout = fresh
    other = Layout(tmp_path / "other" / "needles")
    shutil.copytree(layout.root, other.root)
    train_joint(study, layout, "joint", 0)
    train_joint(shortened(study, "joint", 2), other, "joint", 0)
    assert [path.name for path in other.checkpoints("joint", "joint", 0).rglob("*.ckpt")] == ["step=2.ckpt"]
    train_joint(study, other, "joint", 0)
    assert changed(weights(layout), weights(other)) == set()


def test_a_checkpoint_holds_what_is_trained_and_nothing_else(fresh):
    study, layout = fresh
    train_joint(shortened(study, "joint", 2), layout, "joint", 0)
    (checkpoint,) = layout.checkpoints("joint", "joint", 0).rglob("step=2.ckpt")
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert {name.split(".")[0] for name in state} == {"language_model", "sampler"}


def test_two_processes_end_with_the_same_models(fresh, tmp_path):
    """They draw different rollouts, make different numbers of backward passes, and agree on every update."""
    study, layout = fresh
    (tmp_path / "study.json").write_text(with_joint(study, questions=4, steps=3).model_dump_json())
    script = [sys.executable, str(Path(__file__).parent / "joint_processes.py"), str(tmp_path / "study.json"), str(layout.root)]
    done = subprocess.run(launch_command(2, 1, 2, script), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    one, other = (load_file(layout.root / f"process{rank}.safetensors") for rank in (0, 1))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert changed(base(layout), weights(layout)) == {"language_model", "sampler"}
    assert torch.equal(one["sampler.head.weight"], weights(layout)["sampler.head.weight"])


def test_rollouts_are_complete_and_repeat_under_their_step(pretrained):
    made = module(*pretrained)
    batch = {"step": 3, "questions": np.array([0, 5, 9])}
    first, again, other = made.roll(batch), made.roll(batch), made.roll({**batch, "step": 4})
    assert len(first.queries.texts) == len(first.answers.texts) == 12
    assert first.rewards.total.shape == (3, 4) and first.chosen.shape == (12, 3)
    assert first.queries.texts == again.queries.texts and torch.equal(first.chosen, again.chosen)
    assert not torch.equal(first.chosen, other.chosen)
    assert (first.rewards.total <= 1).all() and (first.rewards.total >= 0).all()
    assert all(len(set(row)) == 3 for row in first.chosen.tolist())


def test_the_mllms_gradient_is_grpos_and_dead_groups_add_nothing(pretrained):
    """Against the same loss written in one piece, dead groups included."""
    made = module(*pretrained)
    made.manual_backward = lambda loss: loss.backward()
    group = made.roll({"step": 0, "questions": np.arange(16)})
    rewards = group.rewards
    rewards.accuracy[2:4] = rewards.format[2:4] = rewards.informativeness[2:4] = 0.0
    assert 2 <= dead_groups(rewards.total).sum() < 16
    advantage = group_advantage(rewards.total)
    made.zero_grad()
    made._backward_mllm(group, advantage)
    given = [parameter.grad for parameter in made.language_model.parameters()]
    turns = [(group.queries, group.queries.completions), (group.answers, group.answers.completions)]
    new = torch.cat([completion_log_probability(made._model, w.prompts, c, 1.0, made._pad) for w, c in turns], dim=1)
    mask = torch.cat([c.mask for _, c in turns], dim=1)
    loss = grpo_loss(new, new.detach(), torch.tensor(advantage.ravel(), dtype=torch.float32), mask, 0.2)
    expected = torch.autograd.grad(loss, list(made.language_model.parameters()), allow_unused=True)
    scale = max(float(gradient.abs().max()) for gradient in expected if gradient is not None)
    for one, other in zip(given, expected, strict=True):
        if other is not None:
            torch.testing.assert_close(one, other, atol=2e-3 * scale, rtol=1e-2)


def test_the_reward_rises_where_it_can(pretrained):
    """Four questions, asked again and again: their answers can be learned by heart."""
    study, layout = pretrained
    made = module(with_joint(study, group=8, learning_rate=5e-4), layout)
    optimisers = made.configure_optimizers()
    made.optimizers = lambda: [_Counted(optimiser) for optimiser in optimisers]
    made.manual_backward = lambda loss: loss.backward()
    logged: dict[str, list[float]] = {}
    made.log = lambda name, value: logged.setdefault(name, []).append(float(value))
    for step in range(40):
        made.training_step({"step": step, "questions": np.arange(4)}, step)
    early, late = (np.mean(logged["reward"][part]) for part in (slice(0, 6), slice(-12, None)))
    assert late > early + 0.1, (early, late)
    assert np.mean(logged["queries_well_formed"][-12:]) > 0.85


class _Counted:
    """What Lightning hands out in place of an optimiser."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer, self.zero_grad, self.step = optimizer, optimizer.zero_grad, optimizer.step


def test_a_broken_mllm_gives_defined_metrics_and_a_warning(pretrained):
    said: list[str] = []
    made = module(*pretrained, said)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in made.language_model.parameters():
            parameter.normal_(std=0.05)
    logged: dict[str, float] = {}
    made.log = lambda name, value: logged.update({name: float(value)})
    group = made.roll({"step": 0, "questions": np.arange(4)})
    made._report(group)
    made._report(group)
    assert logged["reward_format"] == logged["reward_informativeness"] == logged["queries_well_formed"] == 0
    assert logged["informativeness_firing"] == 0 and all(np.isfinite(value) for value in logged.values())
    assert len(said) == 1 and "none of this step's query texts could be parsed" in said[0]


def test_a_fresh_sampler_can_be_trained_too(pretrained):
    """The sampler's gradient reaches its first layer through every reward variant."""
    study, layout = pretrained
    for changes in ({}, {"sampler_advantage": "accuracy"}):
        made = module(with_joint(study, **changes), layout)
        made.manual_backward = lambda loss: loss.backward()
        torch.nn.init.normal_(made.sampler.head.weight)
        assert isinstance(made.sampler, UNetSampler)
        made._backward_sampler(made.roll({"step": 0, "questions": np.arange(8)}))
        assert made.sampler.query.first.weight.grad.abs().sum() > 0
