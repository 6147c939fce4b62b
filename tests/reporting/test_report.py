"""The whole report: complete, linked, offline, the same bytes every time, and built from anything."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from framethrift.codec import encode_frames
from framethrift.codec.build import encode_dataset
from framethrift.config import Layout
from framethrift.config.recipe import Recipe
from framethrift.reporting import render_report
from framethrift.reporting.pdf import build_pdf
from framethrift.videos import build_dataset
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import tiny

LATEXMK = shutil.which("latexmk")


class Links(HTMLParser):
    """Addresses and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.add(value)


def pages(report: Path) -> dict[Path, Links]:
    return {path: Links(path.read_text()) for path in sorted(report.rglob("*.html"))}


def test_everything_is_there(finished: Finished, report: Path) -> None:
    names = {"index", "claims", "papers", "choices", "provenance", "cards"}
    assert {path.stem for path in report.glob("*.html")} == names
    for table in (
        "table_1",
        "table_h3",
        "msjoe_table_1",
        "blind_control",
        "figure_4",
        "table_h6",
        "quarantine",
        "claims",
    ):
        assert all((report / "tables" / f"{table}.{kind}").stat().st_size > 100 for kind in ("csv", "html", "tex"))
    for figure in ("pareto_tokens", "pareto_ttft", "selector_timeline", "training_curves", "reward_curves"):
        assert all((report / "figures" / f"{figure}.{kind}").stat().st_size > 1000 for kind in ("svg", "pdf", "png"))
    assert (report / "figures" / "filmstrip.png").read_bytes().startswith(b"\x89PNG")
    assert (report / "figures" / "pareto.html").exists() and (report / "report.tex").exists()
    assert len(list((report / "questions").glob("*.html"))) == len(finished.sources.results.cells)


def test_every_link_leads_somewhere_and_nothing_needs_the_network(report: Path) -> None:
    found = pages(report)
    for page, content in found.items():
        for link in content.links:
            parts = urlsplit(link)
            assert not parts.scheme and not parts.netloc, f"{page}: {link}"
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name}: {link}"
            if parts.fragment and "=" not in parts.fragment:
                assert parts.fragment in found[target].ids, f"{page.name}: {link}"
    assert "http" not in (report / "style.css").read_text()


def test_every_number_of_the_first_page_leads_to_its_questions_or_file(report: Path) -> None:
    index = (report / "index.html").read_text()
    numbers = re.findall(r'<td class="num [^"]*">(.*?)</td>', index, flags=re.S)
    bare = [text for text in numbers if text.strip() and "<a href" not in text and "<sup>" not in text]
    frames = [text for text in bare if text.strip() == "4"]  # the number of frames is a setting, not a result
    assert len(numbers) > 60 and bare == frames
    assert "questions/cope__cope_1k__mini_motion.html" in index


def test_the_first_page_says_what_it_is_and_what_it_is_not(report: Path) -> None:
    index = (report / "index.html").read_text()
    assert "it says nothing" in index and "about the accuracy of the 7B models" in index
    assert "None of the papers&#39; benchmarks is in this study" in index
    assert "With one seed, intervals cover the choice of test videos" in index
    assert index.count('class="verdict inconclusive"') >= 2


def test_the_questions_behind_a_cell_are_complete(report: Path) -> None:
    text = (report / "questions" / "mllm__top_k_4__mini_needle.js").read_text()
    data = json.loads(text.removeprefix("window.cell = ").removesuffix(";\n"))
    assert len(data["rows"]) == 180
    row = data["rows"][0]
    assert {"question", "answer", "raw", "parsed", "score", "shown", "queries", "visual_tokens"} <= row.keys()
    assert data["evidence"][row["question_id"]] and data["duration"][row["video_id"]] == 96.0
    page = (report / "questions" / "mllm__top_k_4__mini_needle.html").read_text()
    assert "../../../results/tiny/cells/mllm/top_k_4/seed0/mini_needle.jsonl" in page


def test_pages_stay_small(report: Path) -> None:
    assert max(path.stat().st_size for path in report.rglob("*.html")) < 1_000_000


def test_rendering_again_changes_no_byte_and_removes_what_is_stale(finished: Finished, report: Path) -> None:
    def content() -> dict[str, bytes]:
        files = (path for path in report.rglob("*") if path.is_file())
        return {path.relative_to(report).as_posix(): path.read_bytes() for path in files}

    before = content()
    (report / "questions" / "gone__long__ago.html").write_text("stale")
    render_report(finished.study, finished.layout, report, revision="0123abc")
    after = content()
    assert after.keys() == before.keys()
    assert [name for name in before if before[name] != after[name]] == []


def test_an_empty_results_folder_still_gives_a_report(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    sources = render_report(tiny(), layout, layout.report)
    index = (layout.report / "index.html").read_text()
    assert len(sources.problems) > 20
    assert f"<b>{len(sources.problems)} gaps or contradictions</b>" in index
    assert "No cell has been computed yet." in index and "Not drawn" in index
    assert "not run (no questions of seed 0)" in index
    assert {
        verdict.status
        for verdict in sources.verdicts
        if verdict.claim.scale == "miniature" and verdict.claim.kind != "arithmetic"
    } == {"not run"}
    assert "not given" in (layout.report / "provenance.html").read_text()


def test_a_damaged_results_folder_is_named_at_its_place(finished: Finished, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    shutil.copytree(finished.layout.root, layout.root, ignore=shutil.ignore_patterns("tracking", "latency"))
    (layout.cell("cope", "cope_1k", 0) / "mini_motion.jsonl").write_bytes(b"\x00\xff")
    (layout.videos("needle") / "questions.parquet").write_bytes(b"PAR1 rubbish")
    (layout.codec("motion") / "quarantine.parquet").write_bytes(b"")
    next(layout.codec("motion").glob("*.mp4")).write_bytes(b"no video")
    sources = render_report(tiny(), layout, layout.report)
    index = (layout.report / "index.html").read_text()
    assert "its files hold no usable question" in index
    assert "Not drawn:" in index
    places = " ".join(problem.place for problem in sources.problems)
    for place in ("cope / cope_1k / mini_motion", "tables of needle", "quarantine of motion, re-encoding"):
        assert place in places
    assert all(
        problem.what in (layout.report / "tables" / "problems.csv").read_text().replace('""', '"') for problem in sources.problems
    )


def test_clips_get_an_inspection_page(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    scene = np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    encode_frames((scene[k : k + 96, k : k + 128] for k in range(40)), clips / "mine.mp4", Recipe(fps=10, gop=20, window=5))
    study = tiny(f"clips={clips}", "cells=[]", "latency=[]")
    layout = Layout(tmp_path / "results" / "tiny")
    build_dataset(study.datasets["clips"], "clips", layout.root)
    encode_dataset(layout.root, "clips", study.recipes[study.datasets["clips"].recipe])
    render_report(study, layout, layout.report)
    page = (layout.report / "inspection.html").read_text()
    (picture,) = (layout.report / "clips").glob("*.png")
    assert f"clips/{picture.name}" in page
    assert 'href="inspection.html"' in (layout.report / "index.html").read_text()


@pytest.mark.skipif(LATEXMK is None, reason="latexmk is not installed")
def test_the_latex_report_compiles_and_its_prose_takes_numbers_from_cells(report: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(report, tmp_path / "report")
    assert build_pdf(copy) == "report.pdf is built"
    assert (copy / "report.pdf").stat().st_size > 50_000
    prose = r"\documentclass{article}\input{numbers}\begin{document}\cell{%s}\end{document}"
    assert "\\@namedef{framethrift@value@cope/cope_1k/mini_motion}{" in (copy / "numbers.tex").read_text()
    (copy / "report.tex").write_text(prose % "cope/cope_1k/mini_motion")
    assert build_pdf(copy) == "report.pdf is built"
    (copy / "report.tex").write_text(prose % "cope/cope_1k/nothing")
    assert build_pdf(copy) == "report.pdf was not built: ! Framethrift: no value for cope/cope_1k/nothing."
    assert not (copy / "report.pdf").exists()


def test_without_latex_the_sources_stand_and_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "report.pdf").write_text("of an earlier run")
    assert "install latexmk with pdfLaTeX" in build_pdf(tmp_path)
    assert not (tmp_path / "report.pdf").exists()
