"""TSPO's temporal agent: shapes, padding, locality, temperature, its folder."""

import numpy as np
import pytest
import torch

from framethrift.config.models import Tspo
from framethrift.models.tspo import TspoAgent, load_agent, positions, save_agent

SETTINGS = Tspo(window=4, heads=2, first_temperature=0.1, temperature=0.05)


def embeddings(*shape: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(*shape, 8, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=-1)


@pytest.fixture
def agent() -> TspoAgent:
    torch.manual_seed(0)
    return TspoAgent(SETTINGS, 8).eval()


def test_scores_are_a_distribution_over_the_frames_there_are(agent) -> None:
    mask = torch.ones(2, 11, dtype=torch.bool)
    mask[1, 6:] = False
    log_p = agent(embeddings(2), embeddings(2, 11), mask)
    assert torch.isinf(log_p[1, 6:]).all() and torch.isfinite(log_p[mask]).all()
    torch.testing.assert_close(log_p.exp().sum(dim=1), torch.ones(2))


@pytest.mark.parametrize("frames", [1, 3, 4, 9])
def test_padding_changes_nothing(agent, frames) -> None:
    questions, shown = embeddings(1), embeddings(1, frames)
    padded = torch.cat([shown, embeddings(1, 7, seed=5)], dim=1)
    mask = torch.arange(frames + 7)[None] < frames
    torch.testing.assert_close(agent(questions, padded, mask)[:, :frames], agent(questions, shown), atol=1e-5, rtol=1e-5)


def test_attention_stays_within_its_window(agent) -> None:
    questions, shown = embeddings(1), embeddings(1, 12)
    other = shown.clone()
    other[0, 1] = embeddings(1, seed=9)[0]
    before, after = agent(questions, shown)[0], agent(questions, other)[0]
    # The softmax moves all log-probabilities by one number; beyond it only the changed frame's window may move.
    moved = (after - before) - (after - before)[11]
    assert moved[4:].abs().max() < 1e-5
    assert (moved[:4].abs() > 1e-4).all()


def test_an_untrained_mlp_that_adds_nothing_leaves_twice_the_cosine(agent) -> None:
    for parameter in agent.mlp.parameters():
        torch.nn.init.zeros_(parameter)
    questions, shown = embeddings(1), embeddings(1, 5)
    expected = (2 * (shown[0] @ questions[0]) / 0.05).log_softmax(dim=0)
    torch.testing.assert_close(agent(questions, shown)[0], expected, atol=1e-4, rtol=1e-4)
    warmer = (2 * (shown[0] @ questions[0]) / 0.1).log_softmax(dim=0)
    torch.testing.assert_close(agent(questions, shown, temperature=0.1)[0], warmer, atol=1e-4, rtol=1e-4)


def test_positions_are_shares_of_each_videos_length() -> None:
    both = positions(torch.tensor([4, 8]), 8, 6)
    torch.testing.assert_close(both[0, 1:4], both[1, 2:8:2])
    torch.testing.assert_close(both[:, 0], torch.tensor([[0.0, 1.0] * 3] * 2))


def test_weights_read_the_first_query_and_the_frames(agent) -> None:
    queries, frames = embeddings(2).numpy(), embeddings(6).numpy()
    given = agent.weights(np.zeros((2, 6)), queries, frames.astype(np.float16))
    expected = agent(torch.from_numpy(queries[:1]), torch.from_numpy(frames)[None])[0].detach().numpy()
    np.testing.assert_allclose(given, expected, atol=0.05)
    with pytest.raises(ValueError, match=r"expected \(B, d\) and \(B, T, d\)"):
        agent(embeddings(3), embeddings(1, 6))


def test_a_folder_gives_the_same_agent_back(agent, tmp_path) -> None:
    save_agent(agent, tmp_path)
    loaded = load_agent(tmp_path)
    assert loaded.settings == SETTINGS
    torch.testing.assert_close(loaded(embeddings(1), embeddings(1, 9)), agent(embeddings(1), embeddings(1, 9)))
