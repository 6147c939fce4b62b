"""Drawing frame sets: frequencies, determinism, padding."""

import itertools

import pytest
import torch

from framethrift.models.set_draw import draw_sets, entropy, set_log_probability, top_frames


def log_p(*weights: float) -> torch.Tensor:
    return (torch.tensor([weights]) / sum(weights)).log()


def test_sets_are_drawn_as_often_as_plackett_luce_says():
    given = log_p(0.5, 0.3, 0.15, 0.05)
    drawn = draw_sets(given, 2, 20000, torch.Generator().manual_seed(0))[0]
    pairs = torch.tensor(list(itertools.permutations(range(4), 2)))
    expected = set_log_probability(given, pairs[None], "plackett-luce")[0].exp()
    seen = torch.stack([(drawn == pair).all(dim=1).float().mean() for pair in pairs])
    torch.testing.assert_close(seen, expected, atol=0.015, rtol=0)


def test_draws_hold_no_frame_twice_and_repeat_under_a_seed():
    given = torch.randn(3, 20, generator=torch.Generator().manual_seed(1)).log_softmax(dim=-1)
    first, again, other = (draw_sets(given, 6, 50, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert first.shape == (3, 50, 6)
    assert all(len(set(row)) == 6 for row in first.flatten(0, 1).tolist())
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_padding_is_never_drawn():
    given = torch.cat([log_p(0.2, 0.3, 0.5), torch.full((1, 4), -torch.inf)], dim=1)
    assert draw_sets(given, 3, 100, torch.Generator().manual_seed(0)).max() == 2
    assert top_frames(given, 2).tolist() == [[1, 2]]
    chosen = torch.tensor([[[2, 0]]])
    assert set_log_probability(given, chosen, "plackett-luce").exp().item() == pytest.approx(0.5 * 0.2 / 0.5)
    assert entropy(given).item() == pytest.approx(entropy(log_p(0.2, 0.3, 0.5)).item())


def test_padding_keeps_gradients_finite():
    logits = torch.tensor([[0.1, 0.4, -torch.inf]], requires_grad=True)
    given = logits.log_softmax(dim=-1)
    total = set_log_probability(given, torch.tensor([[[1, 0]]]), "plackett-luce").sum() + entropy(given).sum()
    assert torch.isfinite(torch.autograd.grad(total, logits)[0][0, :2]).all()


def test_top_frames_break_ties_by_time():
    assert top_frames(log_p(0.25, 0.25, 0.25, 0.25), 2).tolist() == [[0, 1]]


def test_too_few_candidates_are_an_error_that_names_the_setting():
    with pytest.raises(ValueError, match=r"4 frames .* 3 candidates.*key_frames\.frames"):
        draw_sets(log_p(1, 1, 1), 4, 2, torch.Generator())
