"""The converter, on a random tiny checkpoint of the published layout."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, SiglipVisionModel

from framethrift.config.models import Models
from framethrift.models.convert_llava_video import ConversionError, convert_llava_video
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.vision import vision_config

SETTINGS = {
    "mm_projector_type": "mlp2x_gelu",
    "mm_newline_position": "grid",
    "mm_spatial_pool_mode": "bilinear",
    "mm_spatial_pool_stride": 1,
    "tie_word_embeddings": False,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-06,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def _published(tiny: Models) -> tuple[dict[str, Tensor], SiglipVisionModel, Qwen2ForCausalLM]:
    """Tensors under their published names, and the plain modules they come from."""
    torch.manual_seed(0)
    tower = SiglipVisionModel(vision_config(tiny.vision, 3)).eval()
    text = Qwen2Config(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
    )
    language = Qwen2ForCausalLM(text).eval()
    tensors = {name: tensor.clone() for name, tensor in language.state_dict().items()}
    for name, tensor in tower.state_dict().items():
        if not name.startswith(("head.", "encoder.layers.2.")):
            tensors[f"model.vision_tower.vision_tower.vision_model.{name}"] = tensor.clone()
    tensors["model.image_newline"] = torch.randn(64)
    for index, width in ((0, 48), (2, 64)):
        tensors[f"model.mm_projector.{index}.weight"] = torch.randn(64, width) * width**-0.5
        tensors[f"model.mm_projector.{index}.bias"] = torch.randn(64) * 0.1
    return tensors, tower, language


@pytest.fixture
def source(tiny: Models, tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    tensors, _, _ = _published(tiny)
    names = sorted(tensors)
    save_file({name: tensors[name] for name in names[::2]}, folder / "model-00001-of-00002.safetensors")
    save_file({name: tensors[name] for name in names[1::2]}, folder / "model-00002-of-00002.safetensors")
    (folder / "config.json").write_text(json.dumps(SETTINGS))
    return folder


def _change(folder: Path, **changes: Tensor | None) -> None:
    path = folder / "model-00001-of-00002.safetensors"
    tensors = load_file(path)
    for name, tensor in changes.items():
        tensors.pop(name, None)
        if tensor is not None:
            tensors[name] = tensor
    save_file(tensors, path)


@torch.no_grad()
def test_logits_equal_the_published_model(
    source: Path, tiny: Models, tokenizer: PreTrainedTokenizerFast, clip: Callable, tmp_path: Path
) -> None:
    convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)
    model, info = CopeVideoForConditionalGeneration.from_pretrained(tmp_path / "cope", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    processor = CopeVideoProcessor.from_pretrained(tmp_path / "cope")
    items, frames, _, _ = clip(50, gops=2, delta="drop")
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames)

    tensors, tower, language = _published(tiny)
    states = tower(pixel_values=inputs["pixel_values"], output_hidden_states=True).hidden_states[-2]
    for index in (0, 2):
        states = functional.linear(
            states, tensors[f"model.mm_projector.{index}.weight"], tensors[f"model.mm_projector.{index}.bias"]
        )
        states = functional.gelu(states) if index == 0 else states
    visual = torch.cat([states.view(2, 6, 6, -1), tensors["model.image_newline"].expand(2, 6, 1, -1)], dim=2).reshape(84, -1)
    before, after = processor.prompt("which way?", "<|video|>").split("<|video|>")
    text = [language.model.embed_tokens(torch.tensor(tokenizer(part).input_ids)) for part in (before, after)]
    expected = language(inputs_embeds=torch.cat([text[0], visual, text[1]])[None]).logits
    torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=0)


def test_the_deleted_layer_may_be_present(source: Path, tiny: Models, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    _change(source, **{"model.vision_tower.vision_tower.vision_model.encoder.layers.2.mlp.fc1.weight": torch.zeros(64, 48)})
    convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cope", "published"]
    with pytest.raises(ConversionError, match="cope exists"):
        convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("model.vision_resampler.weight", torch.zeros(2), r"left over: model\.vision_resampler\.weight"),
        ("delta_encoder.x", torch.zeros(2), r"left over: delta_encoder\.x"),
        ("model.vision_tower.vision_tower.vision_model.head.probe", torch.zeros(2), "left over: .*head.probe"),
        ("lm_head.weight", None, r"missing: language_model\.lm_head\.weight"),
        ("lm_head.weight", torch.zeros(500, 64), r"misshapen: lm_head\.weight is \(500, 64\), needed \(512, 64\)"),
    ],
)
def test_whatever_does_not_fit_is_refused(
    source: Path,
    tiny: Models,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
    name: str,
    tensor: Tensor | None,
    message: str,
) -> None:
    _change(source, **{name: tensor})
    with pytest.raises(ConversionError, match=message):
        convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)
    assert not (tmp_path / "cope").exists()


def test_settings_that_mean_another_model_are_refused(
    source: Path, tiny: Models, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    (source / "config.json").write_text(
        json.dumps(SETTINGS | {"mm_spatial_pool_mode": "average", "mm_newline_position": "frame"})
    )
    with pytest.raises(ConversionError, match="mm_newline_position is 'frame', needed 'grid'; mm_spatial_pool_mode is 'average'"):
        convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)
    (source / "config.json").unlink()
    with pytest.raises(ConversionError, match=r"config\.json is missing"):
        convert_llava_video(source, tmp_path / "cope", tiny, tokenizer, seed=0)
    with pytest.raises(ConversionError, match=r"no \*\.safetensors"):
        convert_llava_video(tmp_path, tmp_path / "cope", tiny, tokenizer, seed=0)
