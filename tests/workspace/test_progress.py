"""Progress lines: how often, what they say, and where they go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from framethrift.progress import Progress, duration

STEP = """
import os, subprocess, sys
from framethrift import progress
with progress.redirect_to(sys.argv[1]):
    print("printed"); subprocess.run(["echo", "child"])
    with progress.Progress("delta cope seed0", 2) as steps:
        steps.update(1); steps.say("half way"); steps.update(2)
    {body}
print("after", file=sys.stderr)
"""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_line_in_ten_seconds_and_one_at_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with Progress("delta cope seed0", 400, clock=clock) as progress:
        for step in range(1, 401):
            clock.now += 0.125
            progress.update(step, loss=0.12344)
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 5
    assert lines[1] == "[delta cope seed0] 160/400 steps · 8 steps/s · loss 0.1234 · 30 s left"
    assert lines[-1] == "[delta cope seed0] 400/400 steps · 8 steps/s · loss 0.1234 · took 50 s"


def test_a_resumed_step_counts_its_rate_from_where_it_started() -> None:
    clock = Clock()
    progress = Progress("videolm", 600, clock=clock)
    progress.start(500)
    clock.now += 20
    progress.update(510)
    assert progress.line() == "[videolm] 510/600 steps · 0.5 steps/s · 3 min 00 s left"


def test_another_phase_has_its_own_total(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress("sampler", 2, clock=clock)
    clock.now += 5
    progress.advance(2)
    progress.start(total=3, unit="videos")
    clock.now += 30
    progress.advance()
    progress.finish()
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == "[sampler] 1/3 videos · 30 s per video · 1 min 00 s left"


def test_without_a_total_nothing_is_promised() -> None:
    clock = Clock()
    progress = Progress("scan", unit="files", clock=clock)
    clock.now += 2
    progress.update(4)
    assert progress.line() == "[scan] 4 files · 2 files/s"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3599.7, "1 h 00 min"), (7500, "2 h 05 min")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def _run(log: Path, body: str = "") -> subprocess.CompletedProcess[str]:
    code = STEP.format(body=body or "pass")
    return subprocess.run([sys.executable, "-c", code, str(log)], capture_output=True, text=True, check=False)


def test_the_log_gets_everything_and_the_terminal_the_progress(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "delta.log"
    done = _run(log)
    progress = ["[delta cope seed0] half way", "[delta cope seed0] 2/2 steps"]
    assert done.returncode == 0 and done.stdout == ""
    terminal = done.stderr.splitlines()
    assert [line.partition(" · ")[0] for line in terminal] == [*progress, "after"]
    written = log.read_text().splitlines()
    assert written[1:3] == ["printed", "child"]
    assert [line.partition(" · ")[0] for line in written[3:]] == progress


def test_a_failure_is_written_to_the_log_and_the_next_try_is_added(tmp_path: Path) -> None:
    log = tmp_path / "delta.log"
    assert _run(log, "raise ValueError('no such video')").returncode == 1
    assert log.read_text().rstrip().endswith("ValueError: no such video")
    assert _run(log).returncode == 0
    assert log.read_text().count("printed") == 2


def test_a_closed_terminal_does_not_stop_the_step(tmp_path: Path) -> None:
    log = tmp_path / "delta.log"
    reader, terminal = os.pipe()
    os.close(reader)
    code = STEP.format(body="os._exit(0)")
    done = subprocess.run([sys.executable, "-c", code, str(log)], stderr=terminal, check=False)
    os.close(terminal)
    assert done.returncode == 0
    written = log.read_text()
    assert written.count("progress no longer goes to the terminal") == 1
    assert "2/2 steps" in written
