"""Two training processes do what one does with the same global batch."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import SETTINGS
from two_processes import train

from framethrift.cli.launch import launch_command
from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import load_tokenizer
from framethrift.tokens.packing import IGNORED
from framethrift.videos import build_dataset
from lightning_modules import processes
from lightning_modules.conversations import Conversations
from lightning_modules.vision_language_pretraining import train_tokenizer, train_vision

HERE = Path(__file__).parent
LEARNING = {"steps": 6, "batch_size": 4, "learning_rate": 1e-3, "checkpoint_every": 3}


@pytest.fixture(scope="module")
def study() -> Study:
    """The needle world as token streams, a third of the conversations blind: batches that leave parts of the model unused."""
    settings = copy.deepcopy(SETTINGS)
    settings["training"] |= {"delta": {"datasets": ["needle"], **LEARNING}, "videolm": {**LEARNING, "vision_learning_rate": 1e-4}}
    settings["models"]["language"]["context"] = 1024
    settings["samplings"]["stream"] = {"kind": "stream", "keyframes_per_gop": 1, "delta": "keep", "max_gops": 2}
    settings["variants"]["cope"] = {"kind": "videolm", "datasets": ["needle"], "samplings": ["stream"], "blind_share": 0.4}
    return Study.model_validate(settings)


@pytest.fixture(scope="module")
def prepared(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Videos, tokenizer and tower."""
    layout = Layout(tmp_path_factory.mktemp("processes") / "results" / "needles")
    build_dataset(study.datasets["needle"], "needle", layout.root)
    encode_dataset(layout.root, "needle", study.recipes["needle"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("framethrift.tracking.runs._push", lambda layout: None)
        train_tokenizer(study, layout)
        train_vision(study, layout)
    return layout


def in_two_processes(study: Study, layout: Layout, out: Path) -> None:
    """The training of two_processes.py, started as the CLI starts it."""
    (out / "study.json").write_text(study.model_dump_json())
    script = [sys.executable, str(HERE / "two_processes.py"), str(out / "study.json"), str(layout.root), str(out)]
    script += ["--log", "FILE"]  # as the rules' commands have it; torchrun must not take it for its own
    done = subprocess.run(launch_command(2, 1, 2, script), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_two_processes_learn_what_one_learns(study: Study, prepared: Layout, tmp_path: Path) -> None:
    """DDP (Δ-encoder), FSDP with gradients of two passes added up (VideoLM); and one process goes on from what two had saved."""
    alone, both = tmp_path / "alone", tmp_path / "both"
    alone.mkdir(), both.mkdir()
    train(study, prepared, alone)
    in_two_processes(study, prepared, both)
    same_losses(alone, both, first=1)
    same_weights(alone, both)
    for checkpoint in both.glob("*/step=6.ckpt"):
        checkpoint.unlink()
    train(study, prepared, both)
    same_losses(alone, both, first=4)
    same_weights(alone, both)


def test_parts_of_a_batch_hold_what_it_holds_with_less_padding(study: Study, prepared: Layout) -> None:
    processor = CopeVideoProcessor.of(study.models_of("cope"), load_tokenizer(str(prepared.tokenizer)))
    conversations = Conversations(study, prepared, "cope", processor, seed=0)
    step = next(step for step in range(8) if any("pixel_values" not in part for part in conversations.parts(step, 4)))
    whole, parts = conversations.batch(step), conversations.parts(step, 4)
    widths = [part["input_ids"].shape[1] for part in parts]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1] == whole["input_ids"].shape[1], "a blind one is short"

    def rows(batch: dict[str, torch.Tensor]) -> list[tuple[list[int], list[int]]]:
        ends = (batch["labels"] != IGNORED).int().cumsum(dim=1).argmax(dim=1) + 1
        both = batch["input_ids"], batch["labels"]
        return [tuple(values[row, :end].tolist() for values in both) for row, end in enumerate(ends)]

    assert sorted(row for part in parts for row in rows(part)) == sorted(rows(whole))
    assert sum(part["pixel_values"].sum() for part in parts if "pixel_values" in part) == pytest.approx(
        float(whole["pixel_values"].sum()), rel=1e-4
    )
    assert {int(part["supervised"]) for part in parts} == {int((whole["labels"] != IGNORED).sum())}


def same_losses(alone: Path, both: Path, first: int) -> None:
    expected, found = (json.loads((folder / "losses.json").read_text()) for folder in (alone, both))
    for stage in ("delta", "videolm", "lora"):
        assert sorted(found[stage]) == [str(step) for step in range(first, 7)]
        assert found[stage] == pytest.approx({step: expected[stage][step] for step in found[stage]}, abs=1e-5), stage


def same_weights(alone: Path, both: Path) -> None:
    for stage in ("delta", "videolm", "lora"):
        one, other = (load_file(folder / f"{stage}.safetensors") for folder in (alone, both))
        assert one.keys() == other.keys()
        for name in one:
            torch.testing.assert_close(other[name], one[name], atol=1e-4, rtol=0, msg=f"{stage}: {name}")


def test_a_batch_is_shared_equally_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert [3, 1, 4, 1][processes.share(4)] == [4, 1]
    assert processes.stream("joint") == "joint/1"
    assert [processes.parts(8, largest) for largest in (0, 4, 3, 2, 1)] == [1, 1, 2, 2, 4]
    with pytest.raises(ValueError, match="batch of 3 cannot be shared equally by 2 processes"):
        processes.share(3)


def test_one_process_of_many_is_never_taken_from_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning would believe SLURM_NTASKS, and requeue the job by itself."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "4")
    settings = processes.trainer_settings(sharded=False)
    assert settings["devices"] == 1 and type(settings["plugins"][0]).__name__ == "LightningEnvironment"
