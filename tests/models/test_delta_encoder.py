"""The Δ-encoder: sizes, normalisation, presets, what its tokens depend on."""

import numpy as np
import pytest
import torch

from framethrift.config.models import DeltaEncoder as DeltaEncoderConfig
from framethrift.models.delta_encoder import PRESETS, DeltaEncoder, build_delta_encoder
from framethrift.models.prenorm import PreNormTransformer, grid_positions
from framethrift.models.primitives import normalise_motion, normalise_residual, resize_primitives

SMALL = DeltaEncoderConfig(width=32, layers=2, heads=4, image_size=96, trunk_widths=(8, 12, 16), trunk_depths=(1, 1, 1))


def _fields(n: int, height: int = 96, width: int = 96) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    motion = torch.randint(-12, 13, (n, 2, height, width), generator=generator).float()
    return motion, torch.randint(-90, 91, (n, 3, height, width), generator=generator).float()


def test_presets_are_the_two_readings_of_the_paper() -> None:
    """Supp. B: "4 layers, 9 heads, d = 1152" and "< 15M parameters" cannot both hold."""
    with torch.device("meta"):
        budget, text = (DeltaEncoder(PRESETS[name], dim=1152) for name in ("budget", "text"))
    assert PRESETS["budget"] == DeltaEncoderConfig()
    assert (PRESETS["text"].width, PRESETS["text"].layers, PRESETS["text"].heads) == (1152, 4, 9)
    assert budget.parameter_count() == 11_749_664
    assert text.parameter_count() == 132_533_696
    one_transformer = sum(p.numel() for p in text.motion.transformer.parameters())
    assert one_transformer == pytest.approx(63.7e6, rel=0.01)
    trunk = sum(p.numel() for p in budget.residual.features.trunk.parameters())
    assert trunk == pytest.approx(2.78e6, rel=0.01)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (64, 160), (16, 32)])
@pytest.mark.parametrize(("motion_tokens", "residual_tokens"), [(4, 4), (1, 1), (8, 8), (3, 0), (0, 5)])
def test_any_size_and_any_number_of_tokens(height: int, width: int, motion_tokens: int, residual_tokens: int) -> None:
    settings = SMALL.model_copy(update={"motion_tokens": motion_tokens, "residual_tokens": residual_tokens})
    encoder = build_delta_encoder(settings, 48, seed=0)
    motion, residual = encoder(*_fields(2, height, width))
    assert motion.shape == (2, motion_tokens, 48) and residual.shape == (2, residual_tokens, 48)
    assert encoder.tokens(*_fields(2, height, width)).shape == (2, motion_tokens + residual_tokens, 48)
    assert len([branch for branch in (encoder.motion, encoder.residual) if branch is None]) == (motion_tokens == 0) + (
        residual_tokens == 0
    )


def test_both_branches_share_one_grid() -> None:
    encoder = build_delta_encoder(SMALL, 48, seed=0)
    motion, residual = _fields(1, 64, 160)
    assert encoder.motion.features(motion).shape == encoder.residual.features(residual).shape == (1, 32, 4, 10)


def test_tokens_start_at_the_given_scale() -> None:
    for scale in (0.5, 2.0):
        for token in build_delta_encoder(SMALL, 48, seed=0, scale=scale)(*_fields(8)):
            assert token.detach().square().mean().sqrt().item() == pytest.approx(scale, rel=0.25)


def test_branches_see_only_their_own_field() -> None:
    encoder = build_delta_encoder(SMALL, 48, seed=0).eval()
    motion, residual = _fields(2)
    motion_tokens, residual_tokens = encoder(motion, residual)
    other_motion, other_residual = encoder(motion.flip(0), residual)
    assert torch.equal(residual_tokens, other_residual) and not torch.allclose(motion_tokens, other_motion)


def test_uses_zero_what_they_say() -> None:
    encoder = build_delta_encoder(SMALL, 48, seed=0).eval()
    fields = _fields(2)
    kept = encoder.tokens(*fields)
    assert encoder.tokens(*fields, use="zero").abs().max() == 0
    assert torch.equal(encoder.tokens(*fields, use="motion-only")[:, :4], kept[:, :4])
    assert encoder.tokens(*fields, use="motion-only")[:, 4:].abs().max() == 0
    assert torch.equal(encoder.tokens(*fields, use="residual-only")[:, 4:], kept[:, 4:])
    assert encoder.tokens(*fields, use="residual-only")[:, :4].abs().max() == 0
    with pytest.raises(ValueError, match="'drop' of the Δ-tokens is unknown"):
        encoder.tokens(*fields, use="drop")  # type: ignore[arg-type]


def test_every_parameter_learns() -> None:
    encoder = build_delta_encoder(SMALL, 48, seed=0)
    encoder.tokens(*_fields(4)).square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


def test_the_last_block_may_skip_what_nobody_reads() -> None:
    transformer = PreNormTransformer(32, 2, 4)
    tokens = torch.randn(3, 10, 32)
    everything = tokens
    for block in transformer.blocks:
        everything = block(everything)
    torch.testing.assert_close(transformer(tokens, keep=4), everything[:, :4])


def test_grid_positions_are_distinct_and_separable() -> None:
    table = grid_positions(6, 5, 32, torch.zeros(1))
    assert table.shape == (30, 32) and len(torch.unique(table, dim=0)) == 30
    grid = table.view(6, 5, 32)
    assert torch.equal(grid[0, :, 16:], grid[5, :, 16:]) and torch.equal(grid[:, 0, :16], grid[:, 4, :16])


def test_min_max_normalisation() -> None:
    motion, _ = _fields(2)
    scaled = normalise_motion(motion, "min-max", 20.0)
    assert scaled.amin(dim=(1, 2, 3)).tolist() == [-1.0, -1.0] and scaled.amax(dim=(1, 2, 3)).tolist() == [1.0, 1.0]
    # It loses absolute speed: half the motion looks the same.
    torch.testing.assert_close(normalise_motion(motion / 2, "min-max", 20.0), scaled)


def test_fields_without_range_become_zeros_without_touching_others() -> None:
    motion, _ = _fields(3)
    motion[0] = 0
    motion[1] = 5
    scaled = normalise_motion(motion, "min-max", 20.0)
    assert scaled[:2].abs().max() == 0 and scaled[2].abs().max() == 1
    encoder = build_delta_encoder(SMALL, 48, seed=0)
    assert all(bool(token.isfinite().all()) for token in encoder(torch.zeros(2, 2, 96, 96), torch.zeros(2, 3, 96, 96)))


def test_clipping_keeps_zero_and_speed() -> None:
    motion = torch.tensor([0.0, 10.0, -20.0, 50.0]).view(1, 2, 1, 2)
    assert normalise_motion(motion, "clip", 20.0).flatten().tolist() == [0.0, 0.5, -1.0, 1.0]
    residual = torch.tensor([-255.0, 51.0, 200.0])
    assert normalise_residual(residual, 255.0, 255.0).tolist() == pytest.approx([-1.0, 0.2, 200 / 255])
    assert normalise_residual(residual, 255.0, 128.0).tolist() == pytest.approx([-128 / 255, 0.2, 128 / 255])


def test_resizing_scales_the_vectors() -> None:
    motion = np.zeros((1, 48, 192, 2), np.int16)
    motion[..., 0], motion[..., 1] = 8, -3
    tau, delta = resize_primitives(motion, np.full((1, 48, 192, 3), 7, np.int16), 96)
    assert tau.shape == (1, 2, 96, 96) and delta.shape == (1, 3, 96, 96)
    assert tau[0, 0].unique().tolist() == [4.0] and tau[0, 1].unique().tolist() == [-6.0]
    torch.testing.assert_close(delta, torch.full_like(delta, 7.0))


def test_resizing_invents_no_vectors() -> None:
    motion = np.random.default_rng(0).choice([-4, 0, 4], (1, 64, 64, 2)).astype(np.int16)
    tau, _ = resize_primitives(motion, np.zeros((1, 64, 64, 3), np.int16), 96)
    assert set(tau.unique().tolist()) == {-6.0, 0.0, 6.0}


def test_wrong_shapes_are_refused() -> None:
    encoder = build_delta_encoder(SMALL, 48, seed=0)
    with pytest.raises(ValueError, match="multiples of 16"):
        encoder(*_fields(1, 90, 96))
    with pytest.raises(ValueError, match=r"residual \(1, 3, 96, 96\)"):
        encoder(torch.zeros(2, 2, 96, 96), torch.zeros(1, 3, 96, 96))
    with pytest.raises(ValueError, match="of the same size"):
        resize_primitives(np.zeros((1, 8, 8, 2), np.int16), np.zeros((1, 8, 9, 3), np.int16), 96)
