"""What a conversation shows, and how its targets are made."""

import numpy as np
import pandas as pd

from framethrift.tokens import StreamItem
from lightning_modules.conversations import Conversation, query_targets, without_video

QUERIES = pd.Series([["a red cross"], ["a blue bar", "a ring"], ["a disc"], ["a green cross"]])


def test_uncorrupted_targets_are_the_reference_queries() -> None:
    assert query_targets(QUERIES, 0.0, seed=0) == QUERIES.tolist()


def test_corruption_is_systematic() -> None:
    targets = query_targets(QUERIES, 0.5, seed=0)
    renamed: dict[str, set[str]] = {}
    for row, wanted in zip(QUERIES, targets, strict=True):
        for query, target in zip(row, wanted, strict=True):
            assert query.split()[:-1] == target.split()[:-1]
            renamed.setdefault(query.split()[-1], set()).add(target.split()[-1])
    assert all(len(names) == 1 for names in renamed.values())
    assert sum(names != {thing} for thing, names in renamed.items()) == 2
    assert query_targets(QUERIES, 0.5, seed=0) == targets


def test_a_blind_conversation_shows_nothing_and_asks_the_same() -> None:
    shown = Conversation([StreamItem("I", 0, 0, 0.0)], np.zeros((1, 8, 8, 3), np.uint8), [("q ?", "a")], 3)
    blind = without_video(shown)
    assert blind.items == [] and len(blind.frames) == 0 and blind.primitives == []
    assert blind.pairs == shown.pairs
