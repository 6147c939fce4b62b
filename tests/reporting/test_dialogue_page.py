"""The page of example conversations: what was shown, what each system said, and what is said where there is nothing."""

import json
import re
import shutil
from pathlib import Path

import pytest
from markupsafe import escape
from PIL import Image

from framethrift.config import Layout
from framethrift.evaluation.recorded import Item
from framethrift.reporting import render_report
from framethrift.reporting.dialogue_file import Recordings
from framethrift.reporting.dialogue_page import _frames
from framethrift.reporting.question_frames import Sheet
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import tiny


def test_every_turn_stands_beside_what_each_system_said(finished: Finished, report: Path) -> None:
    page = (report / "dialogues.html").read_text()
    assert page.count("<h2>") == 1 and page.count("<h3>motion-test-0000") == 2
    for variant, sampling in (("cope", "cope_1k"), ("rgb", "rgb_1k")):
        path = finished.layout.dialogue(variant, sampling, 0)
        videos = json.loads(path.read_text())["videos"]
        turns = [turn for video in videos for turn in video["turns"]]
        right = sum(turn["score"] for turn in turns)
        said = f"{right} of 6 answers right · median time to first token 41.5 ms in first turns, 4.3 ms in later ones"
        assert f"{said} · Some Processor, 1 thread(s)" in page
        assert f'<a href="../../results/tiny/dialogues/{variant}/{sampling}/seed0.json">' in page
        for turn in turns:
            assert page.count(str(escape(turn["question"]))) == 1  # one row for both systems
            assert f"“{turn['raw']}”" in page
        for video in videos:
            assert f"{video['visual_tokens']} visual tokens</p>" in page
            assert page.count(f"{video['visual_tokens'] + 30} tokens read · first token after 41.5 ms, last after 43.7 ms") >= 1
    assert page.count("11 tokens read · first token after 4.3 ms, last after 6.1 ms") == 2 * 2 * 2
    assert page.count('class="verdict reproduced">right') + page.count('">wrong<') + page.count('">unparsable<') == 12
    for name in ("index", "claims", "dialogues"):
        assert '<a href="dialogues.html"' in (report / f"{name}.html").read_text()


def test_frames_are_pictures_of_the_video_and_delta_tokens_are_marks(report: Path) -> None:
    page = (report / "dialogues.html").read_text()
    strip = page[page.index('<div class="frames">') :]
    strip = strip[: strip.index("</div>")]
    assert re.findall(r"<figcaption>(.*?) s</figcaption>", strip) == ["0.00", "0.16–0.48", "0.64", "0.80–1.12"]
    assert strip.count("Δ Δ Δ") == 2 == strip.count('class="marks"')
    files = re.findall(r"background-image: url\(&#39;(.*?)&#39;\)", strip)
    assert len(files) == 2 and len(set(files)) == 1
    with Image.open(report / files[0]) as sheet:
        assert sheet.format == "WEBP" and sheet.size == (2 * 72, 72)  # the two I-frames, and no more
    assert "background-position: -64.0px 0.0px" in strip.replace("-0.0px", "0.0px")
    assert 'aria-label="3 P-frames as Δ-tokens, 0.16 to 0.48 seconds"' in strip


def test_long_runs_are_counted_and_a_moment_without_a_picture_is_named() -> None:
    items = [Item(time=0, kind="I"), *(Item(time=number, kind="P") for number in range(1, 8)), Item(time=9, kind="I")]
    drawn = Sheet("sheet.webp", [0.0], 72, 72, 12)
    first, marks, last = _frames(items, drawn)
    assert marks["delta"] == "Δ × 7" and marks["time"] == "1.00–7.00"
    assert "sheet.webp" in first["style"] and last["style"] == "" and last["time"] == "9.00"
    (single,) = _frames([Item(time=2, kind="P")], None)
    assert (single["delta"].strip(), single["time"]) == ("Δ", "2.00")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "not run: no conversations recorded"),
        ("{", "cannot be read as JSON"),
        ('{"variant": "cope"}', "is no recording of conversations (sampling: Field required"),
        ("other", "holds cope / cope_1k / mini_static, the study asks for mini_motion"),
    ],
)
def test_a_missing_or_damaged_recording_is_said_at_its_place(
    finished: Finished, tmp_path: Path, content: str | None, words: str
) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    shutil.copytree(finished.layout.root / "dialogues", layout.root / "dialogues")
    path = layout.dialogue("cope", "cope_1k", 0)
    if content is None:
        path.unlink()
    elif content == "other":
        path.write_text(json.dumps(json.loads(path.read_text()) | {"benchmark": "mini_static"}))
    else:
        path.write_text(content)
    found = Recordings(tiny(), layout)
    (problem,) = found.problems
    assert problem.place == "conversations of cope / cope_1k" and problem.file == path and words in problem.what
    assert list(found.found) == [("rgb", "rgb_1k")] and words in found.missing(("cope", "cope_1k"))


def test_the_report_is_built_without_a_recording_and_says_so(finished: Finished, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    shutil.copytree(finished.layout.root, layout.root, ignore=shutil.ignore_patterns("tracking", "cells"))
    layout.dialogue("cope", "cope_1k", 0).write_text("[]")
    next(layout.codec("motion").glob("*.mp4")).unlink()
    sources = render_report(tiny("cells=[]", "latency=[]"), layout, layout.report)
    page = (layout.report / "dialogues.html").read_text()
    assert "Not shown: is no recording of conversations (content: Input should be" in page
    assert page.count("Frames not drawn: ") == 2 and "rgb (key frames)" in page and page.count("<tr><td") == 6
    assert "conversations of cope / cope_1k" in (layout.report / "tables" / "problems.csv").read_text()
    assert any(problem.place == "conversations of cope / cope_1k" for problem in sources.problems)


def test_without_conversations_there_is_no_page(finished: Finished, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "results" / "tiny")
    render_report(tiny("cells=[]", "latency=[]", "dialogues=[]"), layout, layout.report)
    assert not (layout.report / "dialogues.html").exists()
    assert "dialogues.html" not in (layout.report / "index.html").read_text()
