"""The page about a folder of clips: complete in one file, whatever the clips are called."""

import base64
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from framethrift.cli.app import app
from framethrift.codec import Recipe, encode_frames
from framethrift.reporting.inspection_page import write_inspection_page


@pytest.fixture
def folder(tmp_path):
    """Two clips, one of them oddly named, a text and a hidden file."""
    world = np.random.default_rng(0).integers(40, 200, (12, 40, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    (tmp_path / "clips").mkdir()
    for name in ("plain.mp4", 'Ünï "q" <b>.mp4'):
        encode_frames((world[:, k : k + 64] for k in range(20)), tmp_path / "clips" / name, Recipe(gop=8, window=4))
    (tmp_path / "clips" / "notes.csv").write_text("a,b\n" * 50)
    (tmp_path / "clips" / ".hidden.mp4").write_text("x")
    return tmp_path / "clips"


def test_the_page_holds_every_picture_and_the_reason_of_every_refusal(folder, tmp_path):
    calls = []
    assert write_inspection_page(folder, tmp_path / "page.html", 4, lambda *done: calls.append(done)) == 2
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    pictures = re.findall(r'src="data:image/webp;base64,([^"]+)"', page)
    assert [base64.b64decode(picture)[8:12] for picture in pictures] == [b"WEBP"] * 2
    assert page.count("<img") == 2 and not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("2 of s = 4") == 2 and page.count('<td class="num">0</td>') == 2
    assert "<dt>notes.csv</dt><dd>unreadable: not a readable video file" in page
    assert "Ünï &#34;q&#34; &lt;b&gt;.mp4" in page and "<b>.mp4" not in page
    assert ".hidden" not in page and str(tmp_path) not in page
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_inspect_takes_a_folder_and_its_page_may_lie_inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for _ in range(2):
        result = CliRunner().invoke(app, ["inspect", "."])
        assert result.exit_code == 0 and "wrote inspection.html: 2 clip(s)" in result.output
    assert "<h1>Clips of clips</h1>" in (folder / "inspection.html").read_text(encoding="utf-8")


def test_wrong_arguments_are_named(folder, tmp_path):
    with pytest.raises(ValueError, match=r"page.png must end in .html for a folder"):
        write_inspection_page(folder, tmp_path / "page.png")
    with pytest.raises(ValueError, match="window must be at least 1"):
        write_inspection_page(folder, tmp_path / "page.html", 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no file"):
        write_inspection_page(tmp_path / "empty", tmp_path / "page.html")
