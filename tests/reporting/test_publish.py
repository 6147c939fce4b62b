"""A report kept in git stands alone: small, whole, and leading nowhere else."""

import csv
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from framethrift.progress import Progress
from framethrift.reporting import publish as module
from framethrift.reporting.publish import publish
from tests.reporting.conftest import Finished
from tests.reporting.test_report import given, pages


@pytest.fixture(scope="module")
def published(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("published") / "tiny"
    readme = publish(finished.study, finished.layout, Progress("test"), revision="0123abc", target=target)
    assert readme == target / "README.md"
    return target


def test_nothing_leads_out_of_it(published: Path) -> None:
    found = pages(published)
    assert len(found) == 7 + len(list((published / "questions").glob("*.html"))) + 1  # the pages, and the plot alone
    for page, content in found.items():
        for link in content.links:
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc, f"{page}: {link}"
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file() and target.is_relative_to(published.resolve()), f"{page.name}: {link}"


def test_nothing_in_it_names_a_place_outside_of_it(finished: Finished, published: Path) -> None:
    """Result files are named by their place in the results folder; no sentence promises a link to them."""
    texts = {path: path.read_text() for path in published.rglob("*") if path.suffix in (".html", ".csv", ".tex", ".js", ".md")}
    wrong = [path.name for path, text in texts.items() if "../results" in text or str(finished.layout.root) in text]
    assert wrong == [] and len(texts) > 80
    with (published / "tables" / "table_1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["mini_motion_accuracy_source"] == "cells/rgb/rgb_1k/seed0/mini_motion.jsonl"
    assert (finished.layout.root / rows[0]["mini_motion_accuracy_source"]).is_file()
    provenance, questions = (texts[published / name] for name in ("provenance.html", "questions/mini_motion.html"))
    assert "are not part of this copy" in provenance and "leads to the file" not in provenance
    assert "er-question files" not in questions


def test_it_lists_the_first_questions_of_every_benchmark(finished: Finished, published: Path) -> None:
    assert {path.stem for path in (published / "questions").glob("*.html")} == set(finished.sources.results.benchmarks)
    for benchmark in finished.sources.results.benchmarks:
        folder = published / "questions" / benchmark
        assert given(folder / "index.js")["count"] == module.QUESTIONS
        assert sum(len(given(path)) for path in folder.glob("answers-*.js")) == module.QUESTIONS
        assert f"the first of {180}" in (published / "questions" / f"{benchmark}.html").read_text()
    assert sum(path.stat().st_size for path in published.rglob("*") if path.is_file()) < 3_500_000


def test_a_figure_is_kept_as_svg_and_pdf_and_a_table_once(published: Path) -> None:
    assert [path.name for path in published.rglob("*.png")] == ["filmstrip.png"]  # pictures of a video have no SVG
    assert not list((published / "tables").glob("*.html")) and (published / "tables" / "claims.csv").is_file()
    index = (published / "index.html").read_text()
    assert 'href="figures/training_curves.svg"' in index and "training_curves.png" not in index


def test_it_states_revision_and_conditions_and_no_machine(published: Path) -> None:
    readme = (published / "README.md").read_text()
    assert "revision `0123abc`" in readme and "`make publish STUDY=tiny`" in readme
    assert "figures/pareto_tokens.svg" in readme and (published / "figures" / "pareto_tokens.svg").is_file()
    assert "None of the papers' benchmarks is in this study" in readme and "| reproduced | " in readme
    assert "What else was not reproduced:" in readme and "need cells at the papers' own scale" in readme
    provenance = (published / "provenance.html").read_text()
    assert "0123abc" in provenance and "laptop" not in provenance and "Packages" in provenance
