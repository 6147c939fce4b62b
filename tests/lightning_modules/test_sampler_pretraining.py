"""MSJoE's stage 1: pass rates, REINFORCE on the sampler, resuming, the exported folder."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import build, shortened

from framethrift.config import Layout, Study
from framethrift.models.folder import ModelFolderError, verify
from framethrift.models.reasoning import parse_queries
from framethrift.models.sampler import UNetSampler, load_sampler
from framethrift.tracking import runs
from lightning_modules import frame_bank
from lightning_modules.data import manifest
from lightning_modules.frame_bank import FrameBank
from lightning_modules.mllm import load_mllm
from lightning_modules.pass_rates import measure_pass_rates
from lightning_modules.rollouts import Asked, ask, spread
from lightning_modules.run_folder import run_folder
from lightning_modules.sampler_pretraining import SamplerTuning, train_sampler


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> tuple[Study, Layout]:
    """The study up to the pass rates."""
    torch.set_num_threads(1)
    study, layout = build(tmp_path_factory.mktemp("stage1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_push", lambda layout: None)
        measure_pass_rates(study, layout, "mllm", 0)
    return study, layout


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


@pytest.fixture
def fresh(measured, tmp_path) -> tuple[Study, Layout]:
    """A copy of the study's folder that a test may train in."""
    study, layout = measured
    shutil.copytree(layout.root, tmp_path / "results" / "needles")
    return study, Layout(tmp_path / "results" / "needles")


def test_every_train_question_has_a_pass_rate_and_the_models_queries(measured):
    study, layout = measured
    table = pd.read_parquet(layout.pass_rates("mllm", 0))
    asked = ask(layout, "needle", "train")[0]
    assert sorted(table["question_id"]) == [one.question_id for one in asked]
    assert (table["tries"] == study.training.sampler.tries).all()
    np.testing.assert_allclose(table["pass_rate"], table["right"] / table["tries"])
    assert table["pass_rate"].between(0, 1).all() and table["right"].sum() > 0
    assert table["query_text"].map(lambda text: bool(parse_queries(text))).mean() > 0.8


def test_pass_rates_repeat_bit_by_bit(measured, fresh):
    study, layout = fresh
    path = layout.pass_rates("mllm", 0)
    before = path.read_bytes()
    path.unlink()
    measure_pass_rates(study, layout, "mllm", 0)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_exported_sampler_names_its_mllm(fresh):
    study, layout = fresh
    train_sampler(study, layout, "sampler", 0)
    folder = layout.model("sampler", 0)
    facts = verify(folder)
    assert (facts["kind"], facts["variant"], facts["seed"]) == ("sampler", "sampler", 0)
    assert sorted(facts["files"]) == ["sampler.json", "sampler.safetensors"]
    mllm = json.loads((folder / "sampler.json").read_text())["mllm"]
    assert (folder / mllm).resolve() == layout.model("mllm", 0).resolve()
    assert any(parameter.abs().sum() > 0 for parameter in load_sampler(folder)[0].head.parameters())


def test_interrupted_and_resumed_training_is_the_same_bit_by_bit(fresh, tmp_path):
    study, layout = fresh
    other = Layout(tmp_path / "other" / "needles")
    shutil.copytree(layout.root, other.root)
    train_sampler(study, layout, "sampler", 0)
    train_sampler(shortened(study, "sampler", 2), other, "sampler", 0)
    assert [path.name for path in other.checkpoints("sampler", "sampler", 0).rglob("*.ckpt")] == ["step=2.ckpt"]
    train_sampler(study, other, "sampler", 0)
    whole, parts = (load_sampler(one.model("sampler", 0))[0].state_dict() for one in (layout, other))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_another_learning_rate_or_another_mllm_starts_anew(fresh):
    study, layout = fresh
    folders = [run_folder(study, layout, "sampler", "sampler", 0, [layout.model("mllm", 0)])]
    settings = study.training.sampler.model_copy(update={"learning_rate": 1e-4})
    changed = study.model_copy(update={"training": study.training.model_copy(update={"sampler": settings})})
    folders.append(run_folder(changed, layout, "sampler", "sampler", 0, [layout.model("mllm", 0)]))
    manifest_file = layout.model("mllm", 0) / "framethrift.json"
    manifest_file.write_text(manifest_file.read_text() + " ")
    folders.append(run_folder(study, layout, "sampler", "sampler", 0, [layout.model("mllm", 0)]))
    assert len(set(folders)) == 3
    assert run_folder(shortened(study, "sampler", 2), layout, "sampler", "sampler", 0, [layout.model("mllm", 0)]) == folders[2]


def test_a_metric_is_logged_for_everything_that_is_watched(fresh):
    study, layout = fresh
    train_sampler(study, layout, "sampler", 0)
    (spool,) = (layout.tracking / "spool" / "sampler" / "sampler").rglob("*.jsonl")
    logged = {name for line in spool.read_text().splitlines() for name in json.loads(line).get("metrics", {})}
    assert "validation_accuracy" in logged


def test_questions_that_are_always_right_are_left_out_and_at_least_one_must_stay(fresh, capfd):
    study, layout = fresh
    path = layout.pass_rates("mllm", 0)
    table = pd.read_parquet(path)
    table["pass_rate"] = 1.0
    table.loc[:2, "pass_rate"] = 0.5
    table.to_parquet(path)
    train_sampler(study, layout, "sampler", 0)
    assert f"{len(table) - 3} of {len(table)} questions left out" in capfd.readouterr().err
    table.assign(pass_rate=1.0).to_parquet(path)
    with pytest.raises(ValueError, match="nothing to learn"):
        train_sampler(study, layout, "sampler", 0)
    table.iloc[1:].to_parquet(path)
    with pytest.raises(ValueError, match=r"lack 1 questions.*measure them again"):
        train_sampler(study, layout, "sampler", 0)


def test_a_damaged_mllm_is_refused(fresh):
    study, layout = fresh
    weights = layout.model("mllm", 0) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8] + b"12345678")
    with pytest.raises(ModelFolderError, match=r"model\.safetensors"):
        measure_pass_rates(study, layout, "mllm", 0)


def bank(measured) -> FrameBank:
    layout = measured[1]
    model, processor = load_mllm(layout.model("mllm", 0))
    return FrameBank(model, processor, layout, manifest(layout, ["needle"], "train"), 1.0)


def test_a_frames_embedding_does_not_depend_on_its_company(measured):
    first, second = bank(measured), bank(measured)
    videos = list(manifest(measured[1], ["needle"], "train").index)
    together = first.get([(video, range(0, 40, 3)) for video in videos], 2)
    one_by_one = torch.cat([second.get([(video, [index])], 2) for video in reversed(videos) for index in range(0, 40, 3)])
    reordered = torch.cat(list(one_by_one.split(14))[::-1])
    assert torch.equal(together, reordered)


def test_frames_are_computed_once_per_grid_until_the_memory_is_full(measured, monkeypatch):
    kept = bank(measured)
    video = manifest(measured[1], ["needle"], "train").index[0]
    passes = []
    monkeypatch.setattr(kept, "_embed", lambda *args, real=kept._embed: passes.append(args[2]) or real(*args))
    first = kept.get([(video, [5, 1, 5])], 2)
    assert torch.equal(first[0], first[2]) and torch.equal(kept.get([(video, [1])], 2)[0], first[1])
    assert kept.get([(video, [1])], 1).shape == (1, 1, 48)
    assert passes == [2, 1]
    monkeypatch.setattr(frame_bank, "KEPT_BYTES", 3 * 4 * 48 * 4)
    again = kept.get([(video, [1, 7, 8])], 2)
    assert torch.equal(again[0], first[1]) and passes == [2, 1, 2]


def test_frames_of_long_videos_are_read_one_by_one(measured, monkeypatch):
    video = manifest(measured[1], ["needle"], "train").index[0]
    whole = bank(measured).get([(video, [3, 9])], 2)
    monkeypatch.setattr(frame_bank, "WHOLE_VIDEO_BYTES", 0)
    assert torch.equal(bank(measured).get([(video, [3, 9])], 2), whole)


def test_answers_are_read_by_the_evaluations_parser():
    words = Asked("q", "v", "which ?", "red", ("red", "blue"), False, ())
    assert words.read(" Red. ") == (True, True)
    assert words.read("blue") == (False, True)
    assert words.read("red or blue") == (False, False)
    assert words.read("") == (False, False)
    for answer in ("blue", "B"):
        letters = Asked("q", "v", "which ?", answer, ("red", "blue"), True, ())
        assert letters.read("B.") == (True, True) and letters.read("A") == (False, True)


def test_watched_questions_are_spread_over_the_split():
    asked = [Asked(str(index), "v", "?", "a", ("a", "b"), False, ()) for index in range(10)]
    assert [one.question_id for one in spread(asked, 3)] == ["1", "5", "8"]
    assert spread(asked, 20) == asked


def test_without_the_difficulty_reward_a_question_is_only_compared_with_itself(measured):
    study, _ = measured
    right, rates = np.array([[True, False], [True, True]]), np.array([0.25, 0.25])
    advantages = []
    for name in ("difficulty", "group"):
        settings = study.training.sampler.model_copy(update={"advantage": name})
        training = study.training.model_copy(update={"sampler": settings})
        tuning = SamplerTuning(UNetSampler(study.models.sampler), None, [], [], rates, training, 0)
        advantages.append(tuning._advantage(right, rates))
    np.testing.assert_allclose(advantages[0], [[4, -4 / 3], [4, 4]])
    np.testing.assert_allclose(advantages[1], [[2**-0.5, -(2**-0.5)], [0, 0]], atol=1e-3)
