"""All of MSJoE's stages with Qwen2.5-VL's class, tiny, as the MLLM: linked, rated, sampled beside, evolved, evaluated."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from framethrift.config import Layout, Study
from framethrift.evaluation.backbones import open_linked
from framethrift.evaluation.backbones.load import CHECKPOINT
from framethrift.evaluation.loading import load_answering
from framethrift.evaluation.plain import PlainAnswerer
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import ModelFolderError, verify
from framethrift.tracking import runs
from lightning_modules.joint_evolution import JointEvolution, train_joint
from lightning_modules.mllm import open_mllm
from lightning_modules.rollouts import ask
from lightning_modules.videolm_finetuning import train_videolm


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


def test_the_checkpoint_is_linked_not_copied(linked: tuple[Study, Layout], tmp_path: Path) -> None:
    study, layout = linked
    folder = layout.model("qwen", 0)
    assert [path.name for path in folder.iterdir()] == ["framethrift.json"]
    assert verify(folder)["extra"][CHECKPOINT]["source"] == study.variants["qwen"].source  # type: ignore[union-attr]
    with pytest.raises(ModelFolderError, match="holds no model of another class"):
        open_linked(layout.model("mllm", 0))


def test_pass_rates_and_queries_come_from_it(linked: tuple[Study, Layout]) -> None:
    layout = linked[1]
    table = pd.read_parquet(layout.pass_rates("qwen", 0))
    assert sorted(table["question_id"]) == [one.question_id for one in ask(layout, "needle", "train")[0]]
    assert set(table["tries"]) == {2} and table["pass_rate"].between(0, 1).all()
    assert set(table["query_text"]) == {"<query>a disc</query>"}


def test_joint_evolution_trains_its_language_model_and_leaves_its_eyes(
    linked: tuple[Study, Layout], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, layout = linked
    logged: dict[str, list[float]] = {}
    monkeypatch.setattr(JointEvolution, "log", lambda self, name, value: logged.setdefault(name, []).append(float(value)))
    train_joint(study, layout, "qwen_joint", 0)
    assert min(logged["dead_groups"]) < 1 and max(logged["reward_accuracy"]) > 0 and max(logged["queries_well_formed"]) > 0
    before = open_mllm(layout.model("qwen", 0)).reasoner.backbone.model.state_dict()  # type: ignore[attr-defined]
    after = open_mllm(layout.model("qwen_joint", 0)).reasoner.backbone.model.state_dict()  # type: ignore[attr-defined]
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("language_model" in name for name in changed) and not any(".visual." in name for name in changed)
    assert verify(layout.model("qwen_joint", 0))["kind"] == "joint"


def test_sampler_and_joint_variants_answer_in_evaluation(linked: tuple[Study, Layout]) -> None:
    study, layout = linked
    if not (layout.model("qwen_joint", 0) / "framethrift.json").is_file():
        train_joint(study, layout, "qwen_joint", 0)
    asked = load_asked(study, layout, "mini_needle")
    asks = [Ask(asked.videos[one.video_id], one.question) for one in asked.present[:2]]
    for variant in ("qwen_sampler", "qwen_joint"):
        answering, digests = load_answering(study, layout, variant, "msjoe", 0, "cpu")
        assert isinstance(answering, PlainAnswerer) and set(digests) == {"model", "sampler", "clip"}
        found = dict(answering.answer(asks, [4, 4]))
        assert all(len(one.shown) == 3 and one.query_text and one.visual_tokens > 0 for one in found.values())


def test_a_checkpoint_that_changed_is_refused(linked: tuple[Study, Layout], tmp_path: Path) -> None:
    study = linked[0]
    copy = tmp_path / "checkpoint"
    shutil.copytree(study.variants["qwen"].source, copy)  # type: ignore[union-attr]
    own = study.variants["qwen"].model_copy(update={"source": str(copy)})
    moved = study.model_copy(update={"variants": {**study.variants, "qwen": own}})
    other = Layout(tmp_path / "results" / "needles")
    train_videolm(moved, other, "qwen", 0)
    open_linked(other.model("qwen", 0), "cpu")
    (copy / "generation_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelFolderError, match="has changed since it was linked"):
        open_linked(other.model("qwen", 0), "cpu")
