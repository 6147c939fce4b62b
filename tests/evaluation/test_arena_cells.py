"""The arena's cells are those that each sampling alone would give."""

import json
import shutil
import time
from pathlib import Path

import pytest

from framethrift.config import Layout, Study
from framethrift.evaluation import arena as module
from framethrift.evaluation.arena import evaluate_arena
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.streams import StreamViewer

METHODS = ["uniform", "visionzip", "dycoke", "quickvideo"]


@pytest.fixture
def entered(tiny, tmp_path: Path) -> tuple[Study, Layout]:  # type: ignore[no-untyped-def]
    """A copy of the tiny study with an arena."""
    arena = {"variants": ["cope"], "sampling": "drop", "methods": METHODS, "budgets": [50], "benchmarks": ["mini_static"]}
    study = Study.model_validate(tiny[0].model_dump(mode="json") | {"arena": arena})
    layout = Layout(tmp_path / "results" / "tiny")
    shutil.copytree(tiny[1].root, layout.root)
    return study, layout


def _cells(layout: Layout, method: str) -> tuple[dict, list[dict]]:
    folder = layout.cell("cope", f"{method}_50", 0)
    figures = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
    rows = [{**row, "seconds": 0} for row in read_rows(folder / "mini_static.jsonl")]
    return {name: figures[name] for name in ("variant", "sampling", "seed", "digests")}, rows


@pytest.mark.parametrize("memory", [2**30, 0], ids=["remembered", "forgotten"])
def test_cells_are_those_of_each_sampling_alone(entered, memory, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    study, layout = entered
    monkeypatch.setattr(module, "MEMORY", memory)
    looked: list[int] = []
    real = StreamViewer.__call__
    monkeypatch.setattr(StreamViewer, "__call__", lambda self, asks: looked.append(len(asks)) or real(self, asks))
    evaluate_arena(study, layout, "cope", 50, [0])
    together = {method: _cells(layout, method) for method in METHODS}
    # VisionZip sees more of the encoder than the others, and so sees for itself.
    assert sum(looked) == (2 if memory else len(METHODS)) * len(together["uniform"][1])
    for method in METHODS:
        shutil.rmtree(layout.cell("cope", f"{method}_50", 0))
        evaluate_cells(study, layout, "cope", f"{method}_50", [0])
        assert _cells(layout, method) == together[method]
    shares = {method: rows[0]["costs"]["kept_share"] for method, (_, rows) in together.items()}
    assert shares == dict.fromkeys(METHODS, 0.5)
    flops = {method: rows[0]["costs"]["prefill_flops"] for method, (_, rows) in together.items()}
    assert flops["uniform"] < flops["quickvideo"], "what is dropped inside the model was still read"


def test_every_cell_is_charged_with_looking_whoever_looked(entered, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    study, layout = entered
    real = StreamViewer.__call__
    monkeypatch.setattr(StreamViewer, "__call__", lambda self, asks: time.sleep(0.2) or real(self, asks))
    evaluate_arena(study, layout, "cope", 50, [0])
    for method in METHODS:
        folder = layout.cell("cope", f"{method}_50", 0)
        stages = json.loads((folder / "cells.json").read_text(encoding="utf-8"))["seconds"]
        assert stages["read"] > 0 and stages["vision"] > 0 and stages["answer"] > 0, method
        assert ("reduce" in stages) == (method != "quickvideo")
        rows = read_rows(folder / "mini_static.jsonl")
        assert sum(row["seconds"] for row in rows) > 0.2 + stages["read"] + stages["vision"], method


def test_what_is_not_in_the_arena_is_named(entered, tiny) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(KeyError, match="no arena of 'cope' at 25 %"):
        evaluate_arena(*entered, "cope", 25, [0])
    with pytest.raises(KeyError, match="no arena"):
        evaluate_arena(*tiny, "cope", 50, [0])
