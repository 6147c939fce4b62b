"""`framethrift weights`, from a published checkpoint to a study's source folder."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import save_file
from transformers import Qwen2Config, Qwen2ForCausalLM, SiglipVisionModel
from typer.testing import CliRunner

from framethrift.cli.app import app
from framethrift.config.load import load_study
from framethrift.config.models import VisionTower
from framethrift.models.convert_llava_video import ConversionError
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import cut_config

ROOT = Path(__file__).parents[2]
VISION = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "layers": 3,
    "heads": 4,
    "image_size": 96,
    "patch_size": 16,
    "pool_stride": 1,
}
LANGUAGE = {"hidden_size": 64, "intermediate_size": 96, "layers": 2, "heads": 4, "kv_heads": 2, "context": 512, "vocabulary": 300}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    settings = yaml.safe_load((ROOT / "config/studies/paper.yaml").read_text(encoding="utf-8"))
    language = {**LANGUAGE, "source": str(tmp_path / "converted")}
    delta = {"width": 32, "layers": 1, "heads": 4, "image_size": 96, "trunk_widths": [8, 12, 16], "trunk_depths": [1, 1, 1]}
    settings["models"] |= {"vision": VISION, "language": language, "delta_encoder": delta}
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A random checkpoint with the published names, its settings and a tokenizer."""
    torch.manual_seed(0)
    text = Qwen2Config(
        vocab_size=300,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    tensors = Qwen2ForCausalLM(text).state_dict()
    tower = SiglipVisionModel(cut_config(VisionTower.model_validate(VISION)))
    tensors |= {f"model.vision_tower.vision_tower.vision_model.{name}": value for name, value in tower.state_dict().items()}
    tensors["model.image_newline"] = torch.randn(64)
    for index, width in ((0, 48), (2, 64)):
        tensors |= {
            f"model.mm_projector.{index}.weight": torch.randn(64, width),
            f"model.mm_projector.{index}.bias": torch.randn(64),
        }
    folder = tmp_path / "published"
    folder.mkdir()
    save_file({name: value.clone() for name, value in tensors.items()}, folder / "model.safetensors")
    facts = {"mm_projector_type": "mlp2x_gelu", "mm_newline_position": "grid", "mm_spatial_pool_mode": "bilinear"}
    facts |= {"mm_spatial_pool_stride": 1, "tie_word_embeddings": False, "rope_theta": 1e6, "rms_norm_eps": 1e-6}
    facts |= {"num_attention_heads": 4, "num_key_value_heads": 2}
    build_tokenizer(["which way does it move?"], 300).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def test_a_published_checkpoint_becomes_the_studys_source(published: Path, study: Path) -> None:
    done = CliRunner().invoke(app, ["weights", "convert", str(published), "--study", str(study)], catch_exceptions=False)
    source = load_study(study).models.language.source
    assert done.exit_code == 0 and f"wrote {source}" in done.output
    model, info = CopeVideoForConditionalGeneration.from_pretrained(source, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert model.config.text_config.num_hidden_layers == 2


def test_a_checkpoint_of_another_shape_is_refused(published: Path, study: Path) -> None:
    arguments = ["weights", "convert", str(published), "--study", str(study), "--set", "models.language.layers=3"]
    with pytest.raises(ConversionError, match=r"missing: language_model\.model\.layers\.2"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_without_a_subcommand_the_weights_are_looked_for(study: Path) -> None:
    done = CliRunner().invoke(app, ["weights", "--study", str(study)])
    assert "needs weights that are not here" in str(done.exception) and "models.language.source" in str(done.exception)
