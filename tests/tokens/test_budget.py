"""The token budget reproduces the paper's arithmetic."""

import subprocess
import sys

import numpy as np
import pytest

from framethrift.config.sampling import Stream
from framethrift.tokens import (
    ContextOverflow,
    StreamItem,
    TokenCosts,
    gops_that_fit,
    plan_selected,
    plan_stream,
    require_fit,
    seconds_that_fit,
    token_budget,
)

PAPER = TokenCosts(image_tokens=196, newline_tokens=14, delta_tokens=8, delta_newlines=2)
FIRST_VERSION = TokenCosts(image_tokens=196, newline_tokens=14, delta_tokens=8, delta_newlines=1)


def test_paper_costs() -> None:
    assert (PAPER.i_frame, PAPER.p_frame) == (210, 10)
    assert token_budget((64, 0), PAPER) == 13_440


@pytest.mark.parametrize(("half", "tokens"), [(4, 880), (8, 1760), (12, 2640)])
def test_table_h5_has_half_key_frames_not_one(half: int, tokens: int) -> None:
    assert token_budget((half, half), PAPER) == tokens
    assert token_budget((1, 2 * half - 1), PAPER) == {4: 280, 8: 360, 12: 440}[half]


@pytest.mark.parametrize(("seconds", "baseline", "tokens"), [(35, 7350, 1320), (70, 13_440, 2439)])
def test_example_clips_of_the_project_page(seconds: int, baseline: int, tokens: int) -> None:
    """The page counts 9 tokens per P-frame, as the first version of the paper does, and at most 64 frames for the baseline."""
    times = np.arange(-(-seconds // 8) * 8, dtype=np.float64).reshape(-1, 8)
    items = plan_stream(times, times < seconds, Stream(keyframes_per_gop=1))
    assert len(items) == seconds
    assert token_budget(items, FIRST_VERSION) == tokens
    assert token_budget((min(seconds, 64), 0), PAPER) == baseline


def test_hours_in_a_million_tokens() -> None:
    """8 hours in 1M tokens: true for 2**20 tokens, or with the first version's 9 tokens per P-frame; else 7.9 hours."""
    assert seconds_that_fit(2**20, PAPER, 1, 7) / 3600 == pytest.approx(8.32, abs=0.01)
    assert seconds_that_fit(10**6, FIRST_VERSION, 1, 7) / 3600 == pytest.approx(8.14, abs=0.01)
    assert seconds_that_fit(10**6, PAPER, 1, 7) / 3600 == pytest.approx(7.94, abs=0.01)


def test_gops_that_fit() -> None:
    assert gops_that_fit(32_768, PAPER, 4, 4) == 37
    assert gops_that_fit(32_768, PAPER, 1, 7, text_tokens=32_768 - 560) == 2
    assert gops_that_fit(100, PAPER, 1, 7, text_tokens=200) == 0
    with pytest.raises(ValueError, match="costs 0 tokens"):
        gops_that_fit(100, PAPER, 0, 0)


def test_overflow_names_sampling_and_largest_fit() -> None:
    times = np.arange(512, dtype=np.float64).reshape(64, 8)
    items = plan_stream(times, np.ones_like(times, dtype=bool), Stream(keyframes_per_gop=4))
    require_fit(items, PAPER, 64 * 880 + 100, 100, "keys4")
    with pytest.raises(
        ContextOverflow,
        match=r"sampling keys4: 256 I-frames and 256 P-frames of 64 GOPs are 56320 visual tokens.*Lower max_gops to 37",
    ):
        require_fit(items, PAPER, 32_768, 100, "keys4")


def test_overflow_of_frames_says_how_many_fit_and_counts_the_p_frames_that_stay() -> None:
    times = np.arange(16, dtype=np.float64).reshape(2, 8)
    chosen = [StreamItem("I", 0, n, float(n)) for n in range(5)]
    with pytest.raises(ContextOverflow, match=r"sampling few: 5 frames are 1050 visual tokens.*Lower frames to 4$"):
        require_fit(chosen, PAPER, 1000, 100, "few", "frames")
    mixed = plan_selected(times, np.ones_like(times, dtype=bool), [1.0, 3.0, 5.0, 9.0])
    with pytest.raises(ContextOverflow, match=r"4 I-frames and 10 P-frames are 940 visual tokens.*Lower frames to 3, or len"):
        require_fit(mixed, PAPER, 740, 0, "mixed", "frames")
    require_fit(plan_selected(times, np.ones_like(times, dtype=bool), [1.0, 3.0, 5.0]), PAPER, 740, 0, "mixed", "frames")
    with pytest.raises(
        ContextOverflow, match=r"P-frames are too many for any number of frames, or lengthen the recipe's window$"
    ):
        require_fit(mixed, PAPER, 140, 0, "mixed", "frames")


def test_importing_tokens_needs_no_torch() -> None:
    code = "import sys, framethrift.tokens; assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
