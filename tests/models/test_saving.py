"""Save, reload in a fresh process, manifests."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from framethrift.models.folder import ModelFolderError, exported, resolve, verify, write_manifest
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor

FACTS = {"kind": "videolm", "variant": "cope", "seed": 0, "settings": "abc"}

FRESH = """
import sys, torch
from safetensors.torch import load_file, save_file
import framethrift.models.modelling, framethrift.models.processing
from transformers import AutoModel, AutoProcessor
torch.set_num_threads(1)
folder = sys.argv[1]
model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
inputs = load_file(folder + "/../inputs.safetensors")
text = open(folder + "/../prompt.txt", encoding="utf-8").read()
assert torch.equal(processor(text)["input_ids"], inputs["input_ids"])
with torch.no_grad():
    save_file({"logits": model(**inputs).logits}, folder + "/../logits.safetensors")
"""


def test_a_fresh_process_gives_identical_logits(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, clip: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    assert (folder / "model.safetensors").is_file()
    items, frames, motion, residual = clip(40, gops=2)
    text = processor.prompt("which way?", processor.expand(items))
    inputs = {name: tensor.contiguous() for name, tensor in processor(text, frames, motion, residual).items()}
    save_file(inputs, tmp_path / "inputs.safetensors")
    (tmp_path / "prompt.txt").write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-c", FRESH, str(folder)], check=True)
    with torch.no_grad():
        assert torch.equal(load_file(tmp_path / "logits.safetensors")["logits"], model(**inputs).logits)


def test_auto_classes_and_processor_round_trip(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).model_type == "cope_video"
    loaded, info = AutoModelForImageTextToText.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(loaded, CopeVideoForConditionalGeneration)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    assert loaded.config.delta_settings == model.config.delta_settings
    assert loaded.generation_config.eos_token_id == processor.tokenizer.eos_token_id
    again = AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(again, CopeVideoProcessor) and again.to_dict() == processor.to_dict()
    assert again.costs() == processor.costs() and again.tokenizer.padding_side == "left"
    assert again.prompt("q", "") == processor.prompt("q", "") and again.chat_template == processor.chat_template


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "cope" / "seed0"
    with exported(folder, **FACTS, extra={"note": "δ"}) as temporary:
        (temporary / "a.bin").write_bytes(b"abc")
        (temporary / "sub").mkdir()
        (temporary / "sub" / "b.txt").write_text("b")
    return folder


def test_a_manifest_lists_every_file(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    manifest = verify(folder)
    assert sorted(manifest["files"]) == ["a.bin", "sub/b.txt"] and manifest["files"]["a.bin"]["size"] == 3
    assert {key: manifest[key] for key in FACTS} == FACTS and manifest["extra"] == {"note": "δ"}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["seed0"]
    (folder / "a.bin").write_bytes(b"abcd")
    write_manifest(folder, **FACTS)
    assert verify(folder)["files"]["a.bin"]["size"] == 4


def test_damage_is_named(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "a.bin").write_bytes(b"abd")
    with pytest.raises(ModelFolderError, match=r"a\.bin does not have the SHA-256"):
        verify(folder)
    (folder / "a.bin").write_bytes(b"ab")
    with pytest.raises(ModelFolderError, match=r"a\.bin has 2 bytes, framethrift\.json says 3"):
        verify(folder)
    (folder / "a.bin").unlink()
    with pytest.raises(ModelFolderError, match=r"a\.bin is missing"):
        verify(folder)
    (folder / "framethrift.json").write_text("{")
    with pytest.raises(ModelFolderError, match="not valid JSON"):
        verify(folder)
    (folder / "framethrift.json").unlink()
    with pytest.raises(ModelFolderError, match="no finished model"):
        verify(folder)


def test_a_failed_export_leaves_the_old_model(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    before = json.loads((folder / "framethrift.json").read_text())
    with pytest.raises(RuntimeError, match="killed"), exported(folder, **FACTS) as temporary:
        (temporary / "a.bin").write_bytes(b"half")
        raise RuntimeError("killed")
    assert verify(folder) == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["seed0"]


def test_resolve_finds_the_only_seed(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert resolve(folder) == resolve(folder.parent) == resolve(str(folder.parent)) == folder
    with pytest.raises(ModelFolderError, match="holds no finished model"):
        resolve(tmp_path)
    with pytest.raises(ModelFolderError, match="does not exist"):
        resolve(tmp_path / "nothing")
    with exported(folder.parent / "seed1", **FACTS):
        pass
    with pytest.raises(ModelFolderError, match="several seeds"):
        resolve(folder.parent)
