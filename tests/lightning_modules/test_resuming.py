"""Every supervised stage, thrown off its node after each single step, ends bit by bit like one that nothing disturbed.

The two stages of reinforcement learning have the same test beside their own.
"""

import copy
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import SETTINGS

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.models.folder import verify
from framethrift.tracking.spool import read_events
from framethrift.videos import build_dataset
from lightning_modules.delta_pretraining import train_delta
from lightning_modules.interruption import END_VARIABLE
from lightning_modules.videolm_finetuning import train_videolm
from lightning_modules.vision_language_pretraining import train_clip, train_tokenizer, train_vision

STEPS = 3
STAGES: dict[str, Callable[[Study, Layout], None]] = {
    "vision": train_vision,
    "clip": train_clip,
    "delta": lambda study, layout: train_delta(study, layout, "cope", 0),
    "videolm": lambda study, layout: train_videolm(study, layout, "cope", 0),
}


@pytest.fixture(autouse=True, scope="module")
def _alone() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def study() -> Study:
    settings = copy.deepcopy(SETTINGS)
    for stage in STAGES:
        settings["training"][stage] |= {"steps": STEPS, "batch_size": 2, "warmup_steps": 1, "checkpoint_every": 100}
    settings["training"]["delta"]["moving_share"] = 0.5
    settings["training"]["videolm"]["vision_learning_rate"] = 1e-4
    settings["models"]["language"]["context"] = 1024
    settings["samplings"]["stream"] = {"kind": "stream", "keyframes_per_gop": 1, "delta": "keep", "max_gops": 2}
    settings["variants"]["cope"] = {
        "kind": "videolm", "datasets": ["needle"], "samplings": ["stream", "oracle"], "query_reasoning": True, "blind_share": 0.3,
    }  # fmt: skip
    return Study.model_validate(settings)


@pytest.fixture(scope="module")
def undisturbed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """All four stages in one go."""
    layout = Layout(tmp_path_factory.mktemp("resuming") / "results" / "needles")
    build_dataset(study.datasets["needle"], "needle", layout.root)
    encode_dataset(layout.root, "needle", study.recipes["needle"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("framethrift.tracking.runs._push", lambda layout: None)
        train_tokenizer(study, layout)
        for train in STAGES.values():
            train(study, layout)
    return layout


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_cut_off_after_every_step(
    study: Study, undisturbed: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    layout = Layout(tmp_path / "results" / "needles")
    shutil.copytree(undisturbed.root, layout.root)
    for done in (layout.root / "checkpoints", layout.tracking / "spool"):
        shutil.rmtree(done)
    folder = {"delta": layout.delta("cope", 0), "videolm": layout.model("cope", 0)}.get(stage, layout.root / "models" / stage)
    expected = verify(folder)["files"]
    shutil.rmtree(folder)
    monkeypatch.setattr("framethrift.tracking.runs._push", lambda layout: None)
    monkeypatch.setenv(END_VARIABLE, "0")
    for _ in range(STEPS - 1):
        with pytest.raises(SystemExit):
            STAGES[stage](study, layout)
        assert not folder.exists()
    STAGES[stage](study, layout)
    assert verify(folder)["files"] == expected
    (spool,) = layout.tracking.glob("spool/**/*.jsonl")  # one MLflow run, not one per attempt
    assert [event["end"] for event in read_events(spool) if "end" in event] == ["KILLED"] * (STEPS - 1) + ["FINISHED"]
    assert json.loads((layout.tracking / "study_run.json").read_text())["study"] == "needles"
