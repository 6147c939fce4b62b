"""The tower: what is cut off, and preprocessing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import SiglipModel

from framethrift.config.models import Models
from framethrift.models.vision import build_siglip, load_tower, preprocess, tower_features


def test_the_tower_ends_before_the_last_layer_without_norm(tower_folder: Path) -> None:
    whole = SiglipModel.from_pretrained(tower_folder).vision_model.eval()
    pixels = torch.randn(2, 3, 96, 96)
    states = whole(pixel_values=pixels, output_hidden_states=True).hidden_states
    for dropped in (0, 1, 2):
        tower = load_tower(tower_folder, dropped).eval()
        assert torch.equal(tower_features(tower, pixels), states[-1 - dropped])
    assert not hasattr(tower, "head") and not any("post_layernorm" in name for name in tower.state_dict())


def test_a_vision_model_alone_can_be_loaded(tower_folder: Path, tmp_path: Path) -> None:
    SiglipModel.from_pretrained(tower_folder).vision_model.save_pretrained(tmp_path)
    pixels = torch.randn(1, 3, 96, 96)
    assert torch.equal(tower_features(load_tower(tmp_path, 1), pixels), tower_features(load_tower(tower_folder, 1), pixels))


def test_loading_errors(tower_folder: Path, tiny: Models) -> None:
    with pytest.raises(ValueError, match="drop_layers 3 leaves none of 3"):
        load_tower(tower_folder, 3)


def test_the_seed_decides_the_weights(tiny: Models) -> None:
    state = torch.get_rng_state()
    first, same, other = (build_siglip(tiny.vision, 300, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    name = "vision_model.encoder.layers.0.mlp.fc1.weight"
    assert torch.equal(first[name], same[name]) and not torch.equal(first[name], other[name])


def test_preprocess_scales_to_one() -> None:
    frames = np.stack([np.zeros((96, 96, 3), np.uint8), np.full((96, 96, 3), 255, np.uint8)])
    pixels = preprocess(frames, 96)
    assert pixels.shape == (2, 3, 96, 96) and pixels.dtype == torch.float32
    assert pixels[0].unique().tolist() == [-1.0] and pixels[1].unique().tolist() == [1.0]


@pytest.mark.parametrize("shape", [(120, 160), (48, 48)])
def test_preprocess_resizes_as_pillow_does(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(70, 186, (*shape, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(frame).resize((96, 96), Image.Resampling.BICUBIC), dtype=np.float32)
    ours = (preprocess(frame[None], 96)[0].permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(ours - expected).max() < 1.51  # Pillow rounds after each axis


def test_preprocess_refuses_other_arrays() -> None:
    with pytest.raises(ValueError, match=r"float32 \(1, 4, 4, 3\)"):
        preprocess(np.zeros((1, 4, 4, 3), np.float32), 96)
    with pytest.raises(ValueError, match="uint8"):
        preprocess(np.zeros((4, 4, 3), np.uint8), 96)
