"""The U-Net sampler: size, symmetries, padding, saving, and that it learns from REINFORCE."""

import math

import numpy as np
import pytest
import torch

from framethrift.config.models import Sampler
from framethrift.models.sampler import FEW_FRAMES, Block, UNetSampler, load_sampler, save_sampler
from framethrift.models.set_draw import draw_sets, entropy, set_log_probability, top_frames
from framethrift.rewards import reinforce_loss

TINY = Sampler(channels=(16, 32), kernel=5)


def stirred(settings: Sampler = TINY) -> UNetSampler:
    """A sampler whose head is not zero, so that its outputs say something."""
    torch.manual_seed(0)
    sampler = UNetSampler(settings)
    torch.nn.init.normal_(sampler.head.weight)
    return sampler.eval()


def cosines(batch=2, queries=3, frames=37, seed=0) -> torch.Tensor:
    return 0.2 + 0.05 * torch.randn((batch, queries, frames), generator=torch.Generator().manual_seed(seed))


def test_the_default_has_about_two_million_parameters():
    assert 1.5e6 < sum(p.numel() for p in UNetSampler(Sampler()).parameters()) < 2.5e6


@pytest.mark.parametrize("settings", [TINY, Sampler()])
def test_a_fresh_sampler_draws_nearly_uniformly(settings):
    torch.manual_seed(0)
    assert (entropy(UNetSampler(settings)(cosines())) > 0.9 * math.log(37)).all()


@pytest.mark.parametrize("frames", [1, 3, 16, 37, 96, 101])
def test_any_number_of_frames_gives_probabilities(frames):
    probabilities = stirred()(cosines(frames=frames)).exp()
    assert probabilities.shape == (2, frames)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))


def test_the_order_of_queries_does_not_matter():
    sampler, given = stirred(), cosines()
    torch.testing.assert_close(sampler(given), sampler(given[:, [2, 0, 1]]), atol=1e-5, rtol=1e-5)


def test_absent_queries_and_frames_change_nothing_whatever_they_hold():
    sampler, given = stirred(), cosines(queries=2, frames=37)
    padded = torch.full((2, 4, 64), torch.nan)
    padded[:, :2, :37] = given
    query_mask = torch.tensor([[True, True, False, False]] * 2)
    frame_mask = torch.arange(64)[None].expand(2, -1) < 37
    out = sampler(padded, query_mask, frame_mask)
    torch.testing.assert_close(out[:, :37], sampler(given), atol=1e-5, rtol=1e-5)
    assert (out[:, 37:] == -torch.inf).all()


def test_similarity_is_seen_in_its_own_unit():
    sampler, given = stirred(), cosines()
    torch.testing.assert_close(sampler(given), sampler(3 * given - 0.4), atol=1e-3, rtol=1e-3)


def test_flat_similarity_is_no_accident():
    assert torch.isfinite(stirred()(torch.full((1, 2, 20), 0.2))).all()


def test_a_hot_sampler_is_flatter():
    cold, hot = (stirred(Sampler(channels=(16, 32), temperature=t))(cosines()).max() for t in (0.5, 5.0))
    assert cold > hot


def test_wrong_batches_are_named():
    sampler = stirred()
    with pytest.raises(ValueError, match=r"5 queries.*max_queries"):
        sampler(cosines(queries=5))
    with pytest.raises(ValueError, match="no query"):
        sampler(cosines(), query_mask=torch.zeros(2, 3, dtype=torch.bool))


def test_weights_read_the_queries_that_training_read():
    sampler, given = stirred(), cosines(batch=1, queries=6)[0].numpy()
    np.testing.assert_array_equal(sampler.weights(given), sampler.weights(given[:4]))


def test_saving_and_loading_keep_every_bit(tmp_path):
    sampler, given = stirred(), cosines(batch=1)
    save_sampler(sampler, tmp_path, mllm="../base/seed0")
    loaded, facts = load_sampler(tmp_path)
    assert facts == {"mllm": "../base/seed0"}
    np.testing.assert_array_equal(loaded.weights(given[0].numpy()), sampler.weights(given[0].numpy()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sampler.json", "sampler.safetensors"]


def test_it_learns_from_reinforce_what_top_k_cannot():
    """Two queries; the reward wants a frame of each one's peak, and the first query's peak is long enough to fill plain top-k."""
    rng = np.random.default_rng(0)

    def batch(size):
        given = rng.normal(0.2, 0.01, (size, 2, 48))
        places = rng.permuted(np.tile(np.arange(0, 40, 12), (size, 1)), axis=1)[:, :2]
        for row, (first, second) in enumerate(places):
            given[row, 0, first : first + 8] += 0.12
            given[row, 1, second : second + 2] += 0.08
        return torch.tensor(given, dtype=torch.float32), torch.tensor(places)

    def reward(chosen, places):
        first = ((chosen >= places[:, :1, None]) & (chosen < places[:, :1, None] + 8)).any(dim=-1)
        second = ((chosen >= places[:, 1:, None]) & (chosen < places[:, 1:, None] + 2)).any(dim=-1)
        return (first & second).float()

    torch.manual_seed(0)
    sampler = UNetSampler(TINY)
    optimiser = torch.optim.Adam(sampler.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(80):
        given, places = batch(32)
        log_p = sampler(given)
        chosen = draw_sets(log_p, 4, 8, generator)
        value = reward(chosen, places)
        loss = reinforce_loss(set_log_probability(log_p, chosen, "plackett-luce"), value - value.mean(dim=1, keepdim=True))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    given, places = batch(200)
    learned = reward(top_frames(sampler(given), 4)[:, None], places).mean()
    plain = reward(given.amax(dim=1).topk(4, dim=-1).indices[:, None], places).mean()
    assert plain < 0.2
    assert learned > 0.7


@pytest.mark.parametrize("frames", [FEW_FRAMES, FEW_FRAMES + 1])
def test_a_block_is_what_torchs_own_convolution_and_norm_make_of_it(frames):
    torch.manual_seed(0)
    block, mask = Block(8, 16, 5), torch.ones(2, 1, frames)
    for norm in block.norms:
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)
    signal = torch.randn(2, 8, frames)

    def normed(norm, hidden):
        return norm(hidden.transpose(1, 2)).transpose(1, 2)

    hidden = torch.nn.functional.gelu(normed(block.norms[0], block.first(signal)))
    expected = torch.nn.functional.gelu(normed(block.norms[1], block.second(hidden)) + block.skip(signal))
    torch.testing.assert_close(block(signal, mask), expected, atol=1e-5, rtol=1e-4)
