"""TSPO's training: its reward and objective, what learns, resuming, and its selector in an evaluation."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import SETTINGS, build

from framethrift.config import Layout, Study
from framethrift.config.sampling import Select
from framethrift.evaluation.loading import kept_scoring, load_variant
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import verify
from framethrift.models.tspo import TspoAgent, load_agent
from framethrift.rewards import group_advantage
from framethrift.tracking import runs
from lightning_modules.mllm import open_mllm
from lightning_modules.reinforced import rollout_factory
from lightning_modules.rollouts import ask
from lightning_modules.tspo_training import TspoTuning, train_tspo

VARIANTS = {"tspo": {"kind": "sampler", "method": "tspo", "mllm": "mllm", "dataset": "needle"}}
AGENT = {"heads": 2, "first_temperature": 0.3, "temperature": 0.1}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Study, Layout]:
    torch.set_num_threads(1)
    settings = SETTINGS | {"variants": SETTINGS["variants"] | VARIANTS, "models": SETTINGS["models"] | {"tspo": AGENT}}
    return Study.model_validate(settings), build(tmp_path_factory.mktemp("tspo"))[1]


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


def module(study: Study, layout: Layout) -> TspoTuning:
    asked, rows = ask(layout, "needle", "train")
    rollouts = rollout_factory(study, layout, "tspo", "needle", open_mllm(layout.model("mllm", 0)))(rows)
    torch.manual_seed(0)
    return TspoTuning(TspoAgent(study.models.tspo, 16), rollouts, asked, study.training, 0)


def test_the_gradient_is_that_of_the_group_advantage_on_the_mean_log_probability(built):
    made = module(*built)
    logged = {}
    made.log = lambda name, value: logged.update({name: float(value)})
    loss = made.training_step({"step": 0, "questions": np.array([0, 5, 9])}, 0)
    # The same draws, rewards and loss, written out.
    asked = [made._asked[index] for index in (0, 5, 9)]
    log_p = made.agent(*made._rollouts.embeddings(asked), temperature=0.3)
    from framethrift.models.set_draw import draw_sets
    from lightning_modules.rollouts import step_generator

    chosen = draw_sets(log_p, 3, 4, step_generator(0, 0, "tspo", log_p.device))
    right, shown = made._rollouts.right(asked, chosen), made._rollouts.shown(asked, chosen.numpy())
    advantage = torch.tensor(group_advantage(right + shown))
    expected = -sum(advantage[b, g] * log_p[b, chosen[b, g]].mean() for b in range(3) for g in range(4)) / 12
    assert float(loss.detach()) == pytest.approx(float(expected.detach()), abs=1e-4)
    assert logged["reward"] == pytest.approx((right + shown).mean())
    assert logged["evidence_share"] == pytest.approx(shown.mean())


def test_the_evidence_reward_is_the_share_of_drawn_frames_that_show_evidence(built):
    made = module(*built)
    asked = made._asked[:2]
    times = made._rollouts._bank.times(asked[0].video_id)
    start, end = asked[0].evidence[0]
    inside = int(np.flatnonzero((times >= start) & (times <= end))[0])
    outside = [int(index) for index in np.flatnonzero((times < start) | (times > end))[:3]]
    chosen = np.array([[[inside, *outside[:2]], outside]] * 2)
    np.testing.assert_allclose(made._rollouts.shown(asked[:1], chosen[:1]), [[1 / 3, 0]])


def test_temperatures_go_from_the_first_to_the_last(built):
    made = module(*built)
    assert [made.temperature(step) for step in (0, 3)] == pytest.approx([0.3, 0.1])
    assert made.temperature(1) == pytest.approx(0.3 - 0.2 / 3)


def test_it_trains_exports_resumes_and_selects(built, tmp_path, monkeypatch):
    study, layout = built
    folders = [Layout(tmp_path / name / "needles") for name in ("whole", "resumed")]
    for folder in folders:
        shutil.copytree(layout.root, folder.root)
    train_tspo(study, folders[0], "tspo", 0)
    step = TspoTuning.training_step

    def dies(self, batch, index):
        if batch["step"] == 3:
            raise RuntimeError("killed")
        return step(self, batch, index)

    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
        patch.setattr(TspoTuning, "training_step", dies)
        train_tspo(study, folders[1], "tspo", 0)
    assert [path.name for path in folders[1].checkpoints("sampler", "tspo", 0).rglob("*.ckpt")] == ["step=2.ckpt"]
    train_tspo(study, folders[1], "tspo", 0)
    whole, again = (load_agent(folder.model("tspo", 0)).state_dict() for folder in folders)
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    torch.manual_seed(0)
    untrained = TspoAgent(study.models.tspo, 16).state_dict()
    assert not all(torch.equal(whole[name], untrained[name]) for name in whole)
    facts = verify(folders[0].model("tspo", 0))
    assert facts["kind"] == "sampler" and {"tspo.safetensors", "tspo.json"} <= set(facts["files"])

    loaded = load_variant(study, folders[0], "tspo", 0, "cpu")
    asked, rows = ask(folders[0], "needle", "train")
    row = rows.loc[asked[0].video_id]
    video = EncodedVideo(
        asked[0].video_id, "needle", folders[0].root / row["path"], float(row["fps"]), int(row["window"]), int(row["frames"]),
        tuple(int(number) for number in row["keyframes"]), row["stream_digest"],
    )  # fmt: skip
    sampling = Select(selector="tspo", frames=3, queries="question")
    scoring = kept_scoring(folders[0], 1.0)
    (view,) = loaded.answerer(sampling, scoring).viewer([Ask(video, asked[0].question)])
    _, frames = scoring.embeddings(video)
    weights = loaded.sampler.weights(None, scoring.scorer.embed_texts([asked[0].question]), frames)
    assert [item.slot for item in view.shown.items] == sorted(np.argsort(-weights, kind="stable")[:3].tolist())


def test_a_study_refuses_what_tspo_does_not_have():
    settings = SETTINGS | {"variants": SETTINGS["variants"] | VARIANTS}
    with pytest.raises(ValueError, match="no sampler of MSJoE's"):
        joint = {"joint": {"kind": "joint", "sampler": "tspo"}}
        Study.model_validate(settings | {"variants": settings["variants"] | joint})
    for variant, selector in (("tspo", "msjoe"), ("sampler", "tspo")):
        shown = {"chosen": {"kind": "select", "selector": selector, "frames": 3, "queries": "question"}}
        cells = [{"variants": [variant], "samplings": ["chosen"], "benchmarks": ["mini_needle"]}]
        with pytest.raises(ValueError, match=f"which selector '{selector}' cannot read"):
            Study.model_validate(settings | {"samplings": SETTINGS["samplings"] | shown, "cells": cells})
