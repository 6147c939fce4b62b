"""Latency is measured on the evaluation tests' tiny study."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):  # type: ignore[no-untyped-def]
    """(study, layout) with encoded videos and random models."""
    from tiny_study import build

    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def _no_push(monkeypatch: pytest.MonkeyPatch) -> None:
    from framethrift.tracking import runs

    monkeypatch.setattr(runs, "_push", lambda layout: None)
