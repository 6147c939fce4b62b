"""The reference and warped transformers."""

from pathlib import Path

import pytest
import torch

from framethrift.config.models import DeltaEncoder as DeltaEncoderConfig
from framethrift.models.delta_pretrainer import build_delta_pretrainer, load_delta_pretrainer, patch_regression

SMALL = DeltaEncoderConfig(width=32, layers=2, heads=4, image_size=96, trunk_widths=(8, 12, 16), trunk_depths=(1, 1, 1))


def _inputs(n: int, dim: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    motion = torch.randint(-12, 13, (n, 2, 96, 96), generator=generator).float()
    residual = torch.randint(-90, 91, (n, 3, 96, 96), generator=generator).float()
    return torch.randn(n, 36, dim, generator=generator), motion, residual


def test_a_narrow_pretrainer_starts_from_the_reference() -> None:
    reference, motion, residual = _inputs(2, 48)
    torch.testing.assert_close(build_delta_pretrainer(SMALL, 48, seed=0)(reference, motion, residual), reference)


def test_at_the_towers_width_it_is_the_plain_transformer() -> None:
    """Supp. B: architecturally identical to the branches' transformers, nothing around them."""
    pretrainer = build_delta_pretrainer(SMALL, 32, seed=0)
    own = {name.split(".", 1)[1] for name, _ in pretrainer.reference.named_parameters()}
    branch = {name for name, _ in pretrainer.encoder.motion.transformer.named_parameters()}
    assert own == branch
    shapes = [tuple(p.shape) for p in pretrainer.reference.parameters()]
    assert shapes == [tuple(p.shape) for p in pretrainer.encoder.motion.transformer.parameters()]
    assert pretrainer(*_inputs(2, 32)).shape == (2, 36, 32)


def test_motion_acts_in_the_reference_and_residual_in_the_warped_transformer() -> None:
    pretrainer = build_delta_pretrainer(SMALL, 32, seed=0).eval()
    reference, motion, residual = _inputs(2, 32)
    motion_tokens, residual_tokens = pretrainer.encoder(motion, residual)
    by_hand = pretrainer.warped(pretrainer.reference(reference, motion_tokens), residual_tokens)
    assert torch.equal(by_hand, pretrainer(reference, motion, residual))


def test_it_learns_a_shift_of_the_tokens() -> None:
    torch.manual_seed(0)
    pretrainer = build_delta_pretrainer(SMALL.model_copy(update={"layers": 1, "motion_scaling": "clip"}), 16, seed=0)
    optimiser = torch.optim.AdamW(pretrainer.parameters(), lr=2e-3)
    directions = torch.randn(2, 16)
    losses = []
    for _ in range(60):
        reference = torch.randn(16, 36, 16)
        way = torch.randint(0, 2, (16,))
        motion = torch.zeros(16, 2, 96, 96)
        motion[:, 0] = (way * 20.0 - 10.0)[:, None, None]
        loss = patch_regression(pretrainer(reference, motion, torch.zeros(16, 3, 96, 96)), reference + directions[way][:, None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(float(directions.square().sum(dim=1).mean()), rel=0.5)
    assert losses[-1] < 0.3 * losses[0]


def test_patch_regression_is_equation_10() -> None:
    assert patch_regression(torch.ones(2, 3, 5), torch.zeros(2, 3, 5)).item() == 5.0


def test_save_and_load(tmp_path: Path) -> None:
    pretrainer = build_delta_pretrainer(SMALL, 48, seed=3)
    with torch.no_grad():
        pretrainer.warped.leave.weight.normal_()
    pretrainer(*_inputs(2, 48))  # moves the batch-norm statistics
    pretrainer.save(tmp_path)
    again = load_delta_pretrainer(tmp_path)
    assert again.encoder.settings == SMALL
    assert torch.equal(again.eval()(*_inputs(2, 48)), pretrainer.eval()(*_inputs(2, 48)))
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"model\.safetensors is missing"):
        load_delta_pretrainer(tmp_path)


def test_tokens_must_form_a_square() -> None:
    reference, motion, residual = _inputs(1, 32)
    with pytest.raises(ValueError, match="35 tokens form no square grid"):
        build_delta_pretrainer(SMALL, 32, seed=0)(reference[:, :35], motion, residual)
