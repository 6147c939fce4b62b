"""Look-alikes of the published benchmarks are shared with the evaluation's tests."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / "evaluation"), str(Path(__file__).parent)]


@pytest.fixture(autouse=True)
def _nobodys_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what happens to lie in somebody's Hugging Face cache or data root."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "empty_home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("FRAMETHRIFT_DATA", raising=False)
