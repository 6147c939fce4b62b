"""The whole report: complete, linked, offline, the same bytes every time, and built from anything."""

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

from framethrift.codec import encode_frames, read_frames
from framethrift.codec.build import encode_dataset
from framethrift.config import Layout
from framethrift.config.recipe import Recipe
from framethrift.reporting import curves, question_frames, render_report
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.pdf import build_pdf
from framethrift.reporting.question_data import QuestionData, pieces
from framethrift.reporting.site import Site
from framethrift.reporting.tables_audit import unmet
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
    names = {"index", "claims", "papers", "choices", "provenance", "cards", "dialogues"}
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
    for figure in ("pareto_tokens", "pareto_ttft", "pareto_seconds", "selector_timeline", "training_curves", "reward_curves"):
        assert all((report / "figures" / f"{figure}.{kind}").stat().st_size > 1000 for kind in ("svg", "pdf", "png"))
    assert (report / "figures" / "filmstrip.png").read_bytes().startswith(b"\x89PNG")
    assert (report / "figures" / "pareto.html").exists() and (report / "report.tex").exists()
    assert {path.stem for path in (report / "questions").glob("*.html")} == set(finished.sources.results.benchmarks)
    assert len(list((report / "questions").glob("*/of-*.js"))) == len(finished.sources.results.cells)


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
    assert "questions/mini_motion.html#cell=cope__cope_1k" in index


def test_the_first_page_says_what_it_is_and_what_it_is_not(report: Path) -> None:
    index = (report / "index.html").read_text()
    assert "it says nothing" in index and "about the accuracy of the 7B models" in index
    assert "None of the papers&#39; benchmarks is in this study" in index
    assert "With one seed, intervals cover the choice of test videos" in index
    assert index.count('class="verdict inconclusive"') >= 2


def test_the_first_page_names_what_was_not_reproduced_and_why(finished: Finished, report: Path) -> None:
    index, verdicts = (report / "index.html").read_text(), finished.sources.verdicts
    tested = [verdict for verdict in verdicts if verdict.claim.kind != "arithmetic" and not verdict.claim.headline]
    left = [verdict for status in ("contradicted", "inconclusive") for verdict in tested if verdict.status == status]
    listed = index[index.index('id="unmet"') : index.index("</details>", index.index('id="unmet"'))]
    assert f"not reproduced: {len(left)} claims" in listed
    places = [listed.index(f"<span>{escape(verdict.claim.statement)} <small>") for verdict in left]
    assert places and places == sorted(places) and listed.count("<li>") == len(places)
    first, second, third = (
        replace(verdict, status=status)
        for verdict, status in zip(tested, ("inconclusive", "contradicted", "reproduced"), strict=False)
    )
    assert [verdict for verdict, _ in unmet([first, second, third])] == [second, first]
    away = [verdict for verdict in verdicts if verdict.claim.kind != "arithmetic" and verdict.claim.scale != "miniature"]
    undecided = re.search(r"Not decided here: (\d+) statements need .* (\d+) no cell", index)
    assert undecided is not None
    assert [int(count) for count in undecided.groups()] == [
        sum(verdict.status == status for verdict in away) for status in ("not run", "cannot be tested")
    ]


def given(path: Path) -> Any:
    """The content of a data file."""
    return json.loads(path.read_text().split(",", 1)[1].removesuffix(");\n"))


def test_the_questions_behind_a_cell_are_complete(finished: Finished, report: Path) -> None:
    folder = report / "questions" / "mini_needle"
    index = given(folder / "index.js")
    names = [system["name"] for system in index["systems"]]
    asked = finished.layout.cell("mllm", "top_k_4", 0) / "mini_needle.jsonl"
    rows = [json.loads(line) for line in asked.read_text().splitlines()]
    text, answers = ([row for path in sorted(folder.glob(f"{kind}-*.js")) for row in given(path)] for kind in ("text", "answers"))
    assert index["count"] == len(text) == len(answers) == len(rows) == 180
    assert index["starts"]["answers"][0] == 0 and len(index["starts"]["answers"]) == len(list(folder.glob("answers-*.js")))
    for row, (question, _, video, words, options, answer, evidence), (ways, queries, told) in zip(
        rows, text, answers, strict=True
    ):
        assert (question, video, words, options, answer) == tuple(
            row[name] for name in ("question_id", "video_id", "question", "options", "answer")
        )
        assert evidence
        ((seed, way, tokens, raw, parsed, score, *rest),) = told[str(names.index("mllm__top_k_4"))]
        assert (seed, tokens, raw, score) == (0, row["visual_tokens"], row["raw"], row["score"])
        assert (raw if parsed == 1 else parsed) == row["parsed"]
        assert ways[way] == [[item["time"] for item in row["shown"]], "".join(item["kind"] for item in row["shown"])]
        assert queries[rest[1]] == "; ".join(row["queries"])
    outcomes = given(folder / "of-mllm__top_k_4.js")["outcomes"]
    assert [int(bits) & 1 for bits in outcomes] == [row["score"] for row in rows]
    page = (report / "questions" / "mini_needle.html").read_text()
    assert "../../../results/tiny/cells/mllm/top_k_4/seed0/mini_needle.jsonl" in page
    assert "leads to the file it was computed from" in (report / "provenance.html").read_text()


def test_frames_shown_stand_in_the_videos_sheet(finished: Finished, report: Path) -> None:
    folder = report / "questions"
    videos = given(folder / "mini_motion" / "videos-0.js")
    duration, (file, times, width, height, across) = videos[0]
    assert duration == 1.28 and times == [pytest.approx(0.16 * slot) for slot in range(8)]
    recipe = finished.study.recipes["motion"]
    path = finished.layout.codec("motion") / "motion-test-00000.mp4"
    with Image.open(folder / file) as sheet:
        assert sheet.size == (8 * width, height) == (8 * 72, 72) and across >= 8
        last = np.asarray(sheet.convert("RGB"), dtype=float)[:, -72:]
    full = read_frames(path, [7 * recipe.window / recipe.fps])[0]
    small = np.asarray(Image.fromarray(full).resize((72, 72), Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(last - small).mean() < 12  # lossy, but this frame and no other
    assert np.abs(last - small[::-1]).mean() > 30


def test_videos_beyond_the_budget_are_named_not_drawn(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_frames, "PIXELS", 3 * 32 * 96 * 96)
    site = Site(finished.sources, ReportFolder(tmp_path), None, clips=False)
    shown = {f"motion-test-{number:05d}": Counter([0.0]) for number in range(5)} | {"stranger": Counter([0.0])}
    sheets = question_frames.draw_sheets(site, "mini_motion", shown, "frames")
    assert list(sheets.drawn) == [f"motion-test-{number:05d}" for number in range(3)]
    assert "more decoding than a benchmark is given" in sheets.missing["motion-test-00004"]
    assert "not in the results folder" in sheets.missing["stranger"]


def test_benchmarks_that_share_videos_have_sheets_of_their_own(finished: Finished, tmp_path: Path) -> None:
    site = Site(finished.sources, ReportFolder(tmp_path), None, clips=False)
    times = {"mini_motion": Counter([0.0, 0.16, 0.32]), "mini_static": Counter([0.48])}
    sheets = {name: question_frames.draw_sheets(site, name, {"motion-test-00000": shown}, name) for name, shown in times.items()}
    for name, found in sheets.items():
        sheet = found.drawn["motion-test-00000"]
        assert sheet.times == sorted(times[name])
        with Image.open(tmp_path / sheet.file) as picture:
            assert picture.size == (sheet.width * len(sheet.times), sheet.height)


def test_a_video_without_pictures_says_what_is_wrong_with_the_table(finished: Finished, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    layout.codec("motion").mkdir(parents=True)
    (layout.codec("motion") / "videos.parquet").write_bytes(b"PAR1 rubbish")
    site = Site(replace(finished.sources, layout=layout), ReportFolder(tmp_path), None, clips=False)
    sheets = question_frames.draw_sheets(site, "mini_motion", {"motion-test-00000": Counter([0.0])}, "frames")
    assert "table of motion's re-encoded videos: cannot be read as a table" in sheets.missing["motion-test-00000"]


def test_a_report_kept_small_lists_the_first_questions_only(finished: Finished) -> None:
    cells = [cell for key, cell in finished.sources.results.cells.items() if key.benchmark == "mini_motion"]
    whole, few = QuestionData(cells), QuestionData(cells, limit=7)
    assert list(few.facts) == list(whole.facts)[:7] and few.total == len(whole.facts) == 180
    assert list(few.answers()) == list(whole.answers())[:7]
    assert few.outcomes == [outcomes[:7] for outcomes in whole.outcomes]


def test_data_files_are_pieces_of_bounded_size() -> None:
    rows = [json.dumps("x" * 30_000) for _ in range(20)]
    found = list(pieces(iter(rows)))
    assert [first for first, _ in found] == [0, 6, 12, 18]
    assert [row for _, text in found for row in json.loads(text)] == ["x" * 30_000] * 20


def test_pages_stay_small(report: Path) -> None:
    assert max(path.stat().st_size for path in report.rglob("*.html")) < 1_000_000


def test_rendering_again_changes_no_byte_and_removes_what_is_stale(finished: Finished, report: Path) -> None:
    def content() -> dict[str, bytes]:
        files = (path for path in report.rglob("*") if path.is_file())
        return {path.relative_to(report).as_posix(): path.read_bytes() for path in files}

    before = content()
    (report / "questions" / "long_ago.html").write_text("stale")
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


def test_curves_of_several_seeds_share_a_name() -> None:
    series = [("cope/seed0", {0: 1.0, 10: 3.0}), ("rgb/seed0", {0: 2.0}), ("cope/seed1", {0: 5.0})]
    assert curves._by_name(series) == {"cope": [{0: 1.0, 10: 3.0}, {0: 5.0}], "rgb": [{0: 2.0}]}
