"""GRPO and REINFORCE against references written out by hand, against TRL, and against full enumeration."""

import itertools
import math
from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from framethrift.models.set_draw import set_log_probability
from framethrift.rewards import grpo_loss, importance_weight, reinforce_loss


def numbers(seed: int = 0):
    """Log-probabilities (B, L) new and old, advantages and a ragged mask, with ratios on both sides of the clip."""
    generator = torch.Generator().manual_seed(seed)
    new = -torch.rand((5, 7), generator=generator, dtype=torch.float64) * 3
    old = new + (torch.rand((5, 7), generator=generator, dtype=torch.float64) - 0.5)
    advantage = torch.tensor([1.5, -0.7, 0.0, 2.0, -1.1], dtype=torch.float64)
    lengths = torch.tensor([7, 3, 5, 1, 6])
    return new.requires_grad_(), old, advantage, torch.arange(7)[None] < lengths[:, None]


def by_hand(new, old, advantage, mask, clip_range):
    total = 0.0
    for row in range(len(new)):
        terms = []
        for column in range(new.shape[1]):
            if mask[row, column]:
                ratio = torch.exp(new[row, column] - old[row, column])
                clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
                terms.append(torch.minimum(ratio * advantage[row], clipped * advantage[row]))
        total = total - sum(terms) / len(terms)
    return total / len(new)


@pytest.mark.parametrize("clip_range", [0.05, 0.2])
def test_grpo_equals_the_formula_written_out(clip_range):
    new, old, advantage, mask = numbers()
    loss = grpo_loss(new, old, advantage, mask, clip_range)
    expected = by_hand(new, old, advantage, mask, clip_range)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, new)[0], torch.autograd.grad(expected, new)[0])


@pytest.mark.parametrize("other_engine", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_grpo_equals_trls_loss_on_the_same_numbers(seed, other_engine):
    trainer = pytest.importorskip("trl").GRPOTrainer
    new, old, advantage, mask = numbers(seed)
    stub = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_, **__: (new, torch.zeros_like(new), None),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level="token",
        beta=0.0,
        loss_type="grpo",
        epsilon_low=0.2,
        epsilon_high=0.2,
        args=SimpleNamespace(delta=None),
        use_vllm=other_engine,
        vllm_importance_sampling_correction=True,
        model=torch.nn.Identity().train(),
        current_gradient_accumulation_steps=1,
        _entropy_bonus_enabled=False,
        accelerator=SimpleNamespace(reduce=lambda value, **_: value, gather=lambda value: value),
        _metrics={"train": defaultdict(list)},
    )
    ids = torch.zeros((5, 1), dtype=torch.int64)
    weight = importance_weight(old, old.flip(0), mask, 1.2)
    theirs = trainer._compute_loss(
        stub,
        None,
        {
            "prompt_ids": ids,
            "prompt_mask": torch.ones_like(ids),
            "completion_ids": torch.zeros((5, 7), dtype=torch.int64),
            "completion_mask": mask.int(),
            "advantages": advantage,
            "old_per_token_logps": old,
            "importance_sampling_ratio": weight,
        },
    )
    ours = grpo_loss(new, old, advantage, mask, 0.2, weight if other_engine else None)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, new)[0], torch.autograd.grad(theirs, new)[0])


def test_on_policy_grpo_is_the_policy_gradient():
    new, _, advantage, mask = numbers()
    loss = grpo_loss(new, new.detach(), advantage, mask, 0.2)
    expected = -(advantage[:, None] * mask / mask.sum(dim=1, keepdim=True)) / len(new)
    torch.testing.assert_close(torch.autograd.grad(loss, new)[0], expected)


def test_importance_weights_are_truncated_ratios_that_carry_no_gradient():
    trained = torch.tensor([[0.5, 0.9, 0.2]]).log().requires_grad_()
    written = torch.tensor([[0.25, 0.3, 0.4]]).log()
    written[0, 2] = -torch.inf  # padding may hold any value
    weight = importance_weight(trained, written, torch.tensor([[True, True, False]]), cap=2.5)
    torch.testing.assert_close(weight, torch.tensor([[2.0, 2.5, 1.0]]))
    assert not weight.requires_grad


def test_tokens_of_another_engine_give_the_trained_models_gradient_in_the_mean():
    """Every token that may be written, as often as the engine writes it: the weights undo its bias while none is truncated."""
    logits = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64, requires_grad=True)
    own, others = logits.log_softmax(0), torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    advantage, mask = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64), torch.ones(3, 1, dtype=torch.bool)
    weight = importance_weight(own[:, None], others.log()[:, None], mask, cap=10.0)
    terms = [
        grpo_loss(own[t, None, None], own[t, None, None].detach(), advantage[t, None], mask[:1], 0.2, weight[t, None])
        for t in range(3)
    ]
    found = torch.autograd.grad(sum(share * term for share, term in zip(others, terms, strict=True)), logits, retain_graph=True)[
        0
    ]
    expected = torch.autograd.grad(-(own.exp().detach() * advantage * own).sum(), logits)[0]
    torch.testing.assert_close(found, expected)


def test_empty_completions_and_wild_padding_do_no_harm():
    new = torch.full((2, 3), -1.0, requires_grad=True)
    old = torch.full((2, 3), -torch.inf)
    old[0, 0] = -1.0
    mask = torch.tensor([[True, False, False], [False, False, False]])
    loss = grpo_loss(new, old, torch.tensor([1.0, 5.0]), mask, 0.2)
    assert loss.item() == pytest.approx(-0.5)
    gradient = torch.autograd.grad(loss, new)[0]
    assert torch.isfinite(gradient).all() and gradient[1].abs().sum() == 0


def test_mismatched_shapes_are_named():
    flat = torch.zeros(2, 3)
    with pytest.raises(ValueError, match="shapes disagree"):
        grpo_loss(flat, flat, torch.zeros(3), flat.bool(), 0.2)
    with pytest.raises(ValueError, match="shapes disagree"):
        reinforce_loss(torch.zeros(2, 3), torch.zeros(2))


def every_ordered_set(frames: int, count: int) -> torch.Tensor:
    return torch.tensor(list(itertools.permutations(range(frames), count)))[None]


def test_plackett_luce_is_a_distribution_over_all_ordered_sets():
    log_p = torch.tensor([[0.5, 0.2, 0.2, 0.06, 0.04]], dtype=torch.float64).log()
    sets = every_ordered_set(5, 3)
    log_sets = set_log_probability(log_p, sets, "plackett-luce")
    assert log_sets.exp().sum().item() == pytest.approx(1)
    # By hand: .5 · .2 / .5 · .06 / .3
    chosen = torch.tensor([[[0, 1, 3]]])
    assert set_log_probability(log_p, chosen, "plackett-luce").item() == pytest.approx(math.log(0.5 * 0.2 / 0.5 * 0.06 / 0.3))
    assert set_log_probability(log_p, chosen, "sum").item() == pytest.approx(math.log(0.5 * 0.2 * 0.06))


def test_reinforce_with_plackett_luce_is_the_gradient_of_the_expected_reward():
    logits = torch.tensor([[0.3, -1.0, 0.8, 0.1, -0.4]], dtype=torch.float64, requires_grad=True)
    sets = every_ordered_set(5, 2)
    reward = torch.tensor([float({0, 3} == set(pair)) + 0.2 * (2 in pair) for pair in sets[0].tolist()], dtype=torch.float64)[
        None
    ]
    log_sets = set_log_probability(logits.log_softmax(dim=-1), sets, "plackett-luce")
    expected = torch.autograd.grad((log_sets.exp() * reward).sum(), logits)[0]
    log_sets = set_log_probability(logits.log_softmax(dim=-1), sets, "plackett-luce")
    weights = log_sets.detach().exp()
    # The mean over a sample of sets, each as often as it is probable.
    loss = reinforce_loss(log_sets, reward * weights) * weights.numel()
    torch.testing.assert_close(-torch.autograd.grad(loss, logits)[0], expected)


def test_the_printed_plain_sum_differs_from_the_exact_gradient():
    logits = torch.tensor([[1.0, 0.0, -1.0]], dtype=torch.float64, requires_grad=True)
    sets = every_ordered_set(3, 2)
    reward = torch.tensor([float(0 in pair) for pair in sets[0].tolist()], dtype=torch.float64)[None]
    gradients = {}
    for kind in ("sum", "plackett-luce"):
        exact = set_log_probability(logits.log_softmax(dim=-1), sets, "plackett-luce").detach().exp()
        loss = reinforce_loss(set_log_probability(logits.log_softmax(dim=-1), sets, kind), reward * exact)
        gradients[kind] = -torch.autograd.grad(loss, logits)[0]
    # By hand for the sum: Σ p(set) A (e_i + e_j − 2 p).
    p = logits.detach().softmax(dim=-1)[0]
    by_hand = torch.zeros(3, dtype=torch.float64)
    for pair, probability, value in zip(sets[0].tolist(), exact[0], reward[0], strict=True):
        by_hand += probability * value * (torch.eye(3, dtype=torch.float64)[pair].sum(dim=0) - 2 * p)
    torch.testing.assert_close(gradients["sum"][0] * 6, by_hand)
    assert (gradients["sum"] - gradients["plackett-luce"]).abs().max() > 0.01


def test_drawing_every_frame_has_probability_one_and_finite_gradients():
    logits = torch.tensor([[2.0, 0.0, -30.0]], dtype=torch.float64, requires_grad=True)
    sets = every_ordered_set(3, 3)
    log_sets = set_log_probability(logits.log_softmax(dim=-1), sets, "plackett-luce")
    assert log_sets.exp().sum().item() == pytest.approx(1)
    assert torch.isfinite(torch.autograd.grad(log_sets.sum(), logits)[0]).all()
