"""How much video fits: the paper's eight hours, and the study's own prices."""

import pytest

from framethrift.reporting.video_length import length_panels
from framethrift.tokens.budget import seconds_that_fit
from tests.reporting.conftest import Finished


def test_one_key_frame_per_gop_fits_eight_hours_at_the_papers_prices(finished: Finished) -> None:
    costs, lines = length_panels(finished.sources)["CoPE-VideoLM's prices"]
    hours = {line.label: seconds_that_fit(1_000_000, costs, line.i_frames, line.p_frames, line.seconds) / 3600 for line in lines}
    assert hours["1 key frame + 7 P-frames / GOP"] == pytest.approx(8 * 1_000_000 / 280 / 3600, abs=1e-3)
    assert hours["8 key frames / GOP"] == pytest.approx(8 * 1_000_000 / 1680 / 3600, abs=1e-3)
    assert list(hours.values()) == sorted(hours.values(), reverse=True)


def test_the_studys_own_samplings_have_lines(finished: Finished) -> None:
    costs, lines = length_panels(finished.sources)["study tiny"]
    assert {line.label for line in lines} == {"1 key frame / GOP", "1 key frame + 3 P-frames / GOP", "4 key frames / GOP"}
    assert all(line.seconds == pytest.approx(16 / 25) for line in lines)
    assert (costs.i_frame, costs.p_frame) == (42, 10)
