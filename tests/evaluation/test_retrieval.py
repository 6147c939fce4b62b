"""Ranks of next-frame retrieval."""

import numpy as np
import pytest
import torch

from framethrift.codec import FusedVideo
from framethrift.evaluation.retrieval import COPY, PREDICT, rank_of, rank_video


@pytest.mark.parametrize(
    ("scores", "rank"),
    [
        ([1.0, 0.9, 0.2, 0.1], 1),  # the query itself (index 0) is not in the pool
        ([1.0, 0.2, 0.9, 0.1], 2),
        ([1.0, 0.2, 0.2, 0.1], 2),  # a tie counts against the target
        ([0.0, 0.1, 0.9, 0.8], 3),
    ],
)
def test_rank_counts_the_frames_that_are_at_least_as_near(scores: list[float], rank: int) -> None:
    assert rank_of(np.array(scores, np.float32), target=1, query=0) == rank


class _Output:
    def __init__(self, tokens: torch.Tensor) -> None:
        self.last_hidden_state = tokens


def _tower(pixel_values: torch.Tensor) -> _Output:
    return _Output(torch.nn.functional.avg_pool2d(pixel_values, 8).flatten(2).transpose(1, 2))


class _Oracle:
    """Knows the next frame: the video's brightness grows by one step per slot."""

    class encoder:
        class settings:
            image_size = 16

    def __call__(self, tokens: torch.Tensor, motion: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        return _tower(residual / 127.5 - 1).last_hidden_state


def test_only_moving_windows_are_queries_and_a_perfect_prediction_ranks_first() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (1, 4, 16, 16, 3), dtype=np.uint8)
    motion = np.zeros((1, 3, 16, 16, 2), np.int16)
    motion[0, 1:] = 2  # the first window stands still
    video = FusedVideo(np.arange(4.0)[None], np.ones((1, 4), bool), frames, motion, frames[:, 1:].astype(np.int16))
    ranks = list(rank_video(video, _tower, _Oracle(), image_size=16))  # type: ignore[arg-type]
    assert len(ranks) == 2
    assert [rank[PREDICT] for rank in ranks] == [1, 1]
    assert all(1 <= rank[COPY] <= 3 for rank in ranks)
