"""What a conversation shows, and how its targets are made."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import SETTINGS

from framethrift.codec import read_gops
from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.tokens import ContextOverflow, StreamItem, TokenCosts
from framethrift.videos import build_dataset
from lightning_modules.conversations import Conversation, StreamConversations, query_targets, without_video

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


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> tuple[Study, Layout]:
    """Encoded needle videos, and a variant that reads Δ-tokens between chosen frames."""
    shown = {
        "oracle_cope": {"kind": "select", "selector": "oracle", "frames": 4, "rest": "delta"},
        "uniform_cope": {"kind": "select", "selector": "uniform", "frames": 4, "rest": "delta"},
    }
    own = {"kind": "videolm", "datasets": ["needle"], "samplings": list(shown)}
    study = Study.model_validate(SETTINGS | {"samplings": SETTINGS["samplings"] | shown, "variants": {"own": own}})
    layout = Layout(tmp_path_factory.mktemp("mixed") / "results" / "needles")
    for name, dataset in study.datasets.items():
        build_dataset(dataset, name, layout.root)
        encode_dataset(layout.root, name, study.recipes[dataset.recipe])
    return study, layout


def source(mixed: tuple[Study, Layout], sampling: str) -> StreamConversations:
    study, layout = mixed
    return StreamConversations(study, layout, "own", [study.samplings[sampling]], TokenCosts(4, 2, 4, 2))


def test_chosen_frames_stand_between_the_p_frames_of_all_other_slots(mixed: tuple[Study, Layout]) -> None:
    made = source(mixed, "uniform_cope")
    shown = made.draw(0, np.random.default_rng(0))()
    # 40 frames in 5 GOPs of 8 slots; the uniform ones at 5, 15, 25 and 35 s are all P-frames of the codec.
    assert [item.time for item in shown.items if item.kind == "I"] == [5.0, 15.0, 25.0, 35.0]
    assert len(shown.frames) == 4 and len(shown.primitives) == 5 * 7 - 4 and shown.grid == 2
    gops = list(read_gops(mixed[1].root / made._gops.rows["path"].iloc[0], 1))
    np.testing.assert_array_equal(shown.frames[0], gops[0].frames[5])
    np.testing.assert_array_equal(shown.primitives[0][0], gops[0].motion[0])
    np.testing.assert_array_equal(shown.primitives[-1][1], gops[4].residual[6])
    assert len(shown.pairs) == 4


def test_the_oracle_sees_the_evidence_of_all_the_videos_questions(mixed: tuple[Study, Layout]) -> None:
    made = source(mixed, "oracle_cope")
    for index, video in enumerate(made._videos):
        times = [item.time for item in made.draw(index, np.random.default_rng(0))().items if item.kind == "I"]
        assert len(made._evidence[video]) == 4
        assert all(any(start <= time <= end for time in times) for start, end in made._evidence[video])


def test_a_video_with_chosen_frames_comes_as_often_as_it_has_questions(mixed: tuple[Study, Layout]) -> None:
    made = source(mixed, "uniform_cope")
    assert len(made) == len(made.lengths()) == 16
    assert [made.draw(index, np.random.default_rng(0))().pairs for index in (1, 5)] == [made._pairs[made._videos[1]]] * 2


def test_a_stream_of_chosen_frames_too_long_for_the_model_is_refused_by_name(mixed: tuple[Study, Layout]) -> None:
    study, layout = mixed
    large = TokenCosts(64, 8, 4, 2)  # of frames that are not pooled; these are, to 2 x 2
    made = StreamConversations(study, layout, "own", [study.samplings["uniform_cope"]], large)
    read = made.draw(0, np.random.default_rng(0))
    assert len(read().items) == 4 + 31
    made._context = 4 * 6 + 31 * 6 - 1
    with pytest.raises(ContextOverflow, match="sampling uniform_cope: 4 I-frames and 31 P-frames are 210 visual tokens"):
        read()
