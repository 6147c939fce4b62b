"""One finished results folder for all report tests, and its rendered report for those that look at pages."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from framethrift.config import Layout, Study
from framethrift.progress import Progress
from framethrift.reporting import render_report
from framethrift.reporting.sources import Sources, read_sources
from tests.reporting.fake_results import tiny, write_results


@dataclass(frozen=True)
class Finished:
    """A study with results, as the report reads them."""

    study: Study
    layout: Layout
    sources: Sources


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Written once per test process; tests must not change it."""
    study = tiny()
    layout = Layout(tmp_path_factory.mktemp("finished") / "results" / study.name)
    write_results(study, layout)
    return Finished(study, layout, read_sources(study, layout, Progress("test")))


@pytest.fixture(scope="session")
def report(finished: Finished) -> Path:
    """The folder of the rendered report."""
    render_report(finished.study, finished.layout, finished.layout.report, revision="0123abc")
    return finished.layout.report
