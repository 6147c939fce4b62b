"""What interrupted runs leave behind in the working folder: a lock, marks of unfinished outputs, partial files."""

import base64
from collections.abc import Iterator
from pathlib import Path

from framethrift.config.layout import Layout
from framethrift.integrity.findings import Finding
from framethrift.unlock import working


def findings(layout: Layout, snakemake: str) -> Iterator[Finding]:
    """Left-overs of runs that are over; `snakemake` is the command that runs the study.

    While a Snakemake or one of its steps is at work in the folder, these are no left-overs, and nothing is found.
    """
    folder = Path.cwd()
    if working(folder, "snakemake") or working(folder, "framethrift"):
        return
    if any((folder / ".snakemake/locks").glob("*.lock")):
        yield Finding(".snakemake/locks", "an interrupted run left the folder locked", commands=(f"{snakemake} --unlock",))
    for name in _incomplete(folder / ".snakemake/incomplete"):
        path = Path(name)
        if path.exists() and (path.is_relative_to(layout.root) or path.is_relative_to(layout.report)):
            yield Finding.remade(path, "is the output of a job that was cut off", output=path)
    for path in sorted(layout.root.rglob(".*")):
        if not any(part.startswith(".") for part in path.relative_to(layout.root).parts[:-1]):
            yield Finding(str(path), "was left behind half-written", remove=(str(path),), untidy=True)


def _incomplete(marks: Path) -> Iterator[str]:
    """Outputs that Snakemake marked as begun: file names are base64, long ones split over folders that start with '@'."""
    for mark in sorted(marks.rglob("*")):
        if mark.is_file():
            parts = mark.relative_to(marks).parts
            yield base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode()
