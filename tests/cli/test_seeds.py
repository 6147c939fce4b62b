"""Jobs that take every seed of the study."""

import pytest

from framethrift.cli import steps
from framethrift.config import load_study
from framethrift.evaluation import arena, evaluate


def test_a_cell_and_an_arena_are_evaluated_with_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple] = []
    monkeypatch.setattr(evaluate, "evaluate_cells", lambda study, layout, *names: asked.append(names))
    monkeypatch.setattr(arena, "evaluate_arena", lambda study, layout, *names: asked.append(names))
    monkeypatch.setattr("torch.set_num_threads", lambda threads: None)
    steps.evaluate("cope", "cope_1k", study="small", shards=2)
    steps.arena("rgb", 25, study="small")
    seeds = load_study("small").seeds
    assert len(seeds) > 1
    assert asked == [("cope", "cope_1k", seeds, 2), ("rgb", 25, seeds)]
