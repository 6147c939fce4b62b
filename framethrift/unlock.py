"""Lets an interrupted workflow go on: `python -m framethrift.unlock SNAKEMAKE-ARGUMENTS`, just before Snakemake itself.

A Snakemake that was killed leaves the folder locked, and its steps may still be at work. Both are settled here: a step
that is left over is waited for, and the lock is released if no Snakemake of this folder is alive.
"""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from framethrift.progress import say

POLL = 2.0  # seconds between two looks at a step that is left over


def prepare(folder: Path, snakemake: list[str]) -> None:
    """Wait for left-over steps in `folder`, then release a stale lock with Snakemake's own --unlock.

    Does nothing while a Snakemake is alive in the folder: that one holds the lock rightly, and a second will say so.
    Raises CalledProcessError if Snakemake cannot unlock.
    """
    if working(folder, "snakemake"):
        return
    named: set[int] = set()
    while left := working(folder, "framethrift"):
        for pid in sorted(left.keys() - named):
            say(f"waiting for a step of an interrupted run (to stop it: kill {pid}): {left[pid]}")
        named |= left.keys()
        time.sleep(POLL)
    if any((folder / ".snakemake" / "locks").glob("*.lock")):
        say("releasing the lock that an interrupted run left behind")
        subprocess.run([sys.executable, "-m", "snakemake", "--unlock", *snakemake], cwd=folder, check=True)


def working(folder: Path, program: str) -> dict[int, str]:
    """Living processes, in `folder`, of Snakemake ("snakemake") or of a rule's step ("framethrift"): command by process id."""
    found = {}
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if _runs(words, program) and Path(process.cwd()) == folder.resolve():
                found[process.pid] = " ".join(words[1:])
        except psutil.Error:  # gone meanwhile, or another user's: not this folder's business
            continue
    return found


def _runs(words: list[str], program: str) -> bool:
    """Whether a command line is `[python] .../program …` or `python -m program …`; a rule's step has a log besides."""
    names = {Path(word).name for word in words[:2]} | ({words[2]} if words[1:2] == ["-m"] else set())
    return program in names and (program != "framethrift" or "--log" in words)


if __name__ == "__main__":
    prepare(Path.cwd(), sys.argv[1:])
