"""The pages in a real browser: phone width without sideways scroll, questions that filter, no error on the console."""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.reporting.conftest import Finished

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=60000 "
    "--enable-logging=stderr --v=0"
)
PAGES = (
    "index.html",
    "claims.html",
    "papers.html",
    "choices.html",
    "provenance.html",
    "dialogues.html",
    "questions/mini_needle.html#cell=mllm__top_k_4",
    "figures/pareto.html",
    "tables/claims.html",
)
# Headless windows cannot be as narrow as a phone; a frame can.
PROBE = """<!DOCTYPE html><body><pre id="found"></pre><iframe width="{width}" height="800"></iframe><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => setTimeout(async () => {{
  const page = frame.contentDocument;
  const wait = (time) => new Promise((done) => setTimeout(done, time));
  const found = await (async () => {{ {script} }})();
  document.getElementById("found").textContent = JSON.stringify(found);
}}, 3000), {{once: true}});
frame.src = "file://{page}";
</script>"""
BEYOND = "return page.documentElement.scrollWidth - page.documentElement.clientWidth;"
# From a number on the first page to a question with its frames, and on to another system that answered it.
CLICKS = """
  page.querySelector('td a[href="questions/mini_motion.html#cell=cope__cope_1k"]').click();
  await wait(3000);
  const asked = frame.contentDocument, by = (id) => asked.getElementById(id);
  const told = {listed: by("count").textContent, lead: by("lead").textContent, items: by("asked").children.length};
  const first = by("asked").firstElementChild;
  told.verdict = first.querySelector(".said").textContent;
  told.frames = [...first.querySelectorAll(".frames figcaption")].map((caption) => caption.textContent);
  told.pictures = [...first.querySelectorAll(".picture-of")].filter((span) => span.style.backgroundImage.includes("webp")).length;
  const choose = async (id, value) => {
    by(id).value = value;
    by(id).dispatchEvent(new Event("input"));
    await wait(1500);
    return by("count").textContent;
  };
  told.wrong = await choose("outcome", "wrong");
  told.searched = await choose("search", "order");
  told.address = asked.location.hash;
  const everyone = by("asked").firstElementChild.querySelector("details");
  everyone.open = true;
  await wait(1000);
  told.systems = everyone.querySelectorAll("tbody tr").length;
  [...everyone.querySelectorAll("a")].find((link) => link.getAttribute("href") === "#cell=rgb__rgb_4k").click();
  await wait(2000);
  told.then = by("lead").textContent;
  return told;
"""


def probed(report: Path, tmp_path: Path, page: str, script: str, width: int = 390) -> Any:
    """What `script` returns on the loaded page; no error on the console."""
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(page=f"{report}/{page}", script=script, width=width))
    command = [str(CHROMIUM), *OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{probe}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)}
    )
    found = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, flags=re.S)
    assert found is not None, f"{page} did not load: {done.stderr[-2000:]}"
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return json.loads(html.unescape(found[1]))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone_and_runs_without_errors(report: Path, tmp_path: Path, page: str) -> None:
    assert probed(report, tmp_path, page, BEYOND) == 0, f"{page} is wider than a phone"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_clicking_a_number_leads_to_its_questions(finished: Finished, report: Path, tmp_path: Path) -> None:
    told = probed(report, tmp_path, "index.html", CLICKS, width=1280)
    path = finished.layout.cell("cope", "cope_1k", 0) / "mini_motion.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    right = sum(row["score"] for row in rows)
    assert told["listed"] == f"180 of 180 questions, {right} right" and told["items"] == 20
    assert told["lead"].startswith("cope (Δ-tokens), shown 1 key frame + 3 P-frames / GOP: ")
    assert f"said “{rows[0]['raw']}”" in told["verdict"]
    assert told["frames"][:3] == ["0 s", "Δ 0.16 s", "Δ 0.32 s"] and told["pictures"] == len(told["frames"]) == 8
    wrong = [row for row in rows if row["score"] == 0 and row["parsed"] is not None]
    assert told["wrong"].startswith(f"{len(wrong)} of 180 questions")
    assert told["searched"].startswith(f"{sum('order' in row['question'] for row in wrong)} of 180 questions")
    assert told["address"] == "#cell=cope__cope_1k&search=order&outcome=wrong"
    assert told["systems"] == 8 and told["then"].startswith("rgb (key frames), shown 4 key frames / GOP: ")


# Data of the first system come late, and it alone has labels: what is chosen last must stand all the same.
LATE = """
  const inside = frame.contentWindow, real = inside.load, by = (id) => page.getElementById(id);
  inside.load = async (name) => {
    const got = await real(name), late = name === "of-cope__cope_1k";
    await wait(late ? 600 : name.startsWith("text-") ? 1200 : 0);
    return late ? {...got, labels: [...got.outcomes].map((_, number) => number % 2)} : got;
  };
  const choose = (values) => {
    for (const [id, value] of Object.entries(values)) by(id).value = value;
    by("cell").dispatchEvent(new Event("input"));
  };
  choose({cell: "cope__cope_1k"});
  choose({cell: "rgb__rgb_4k", search: "order"});
  await wait(3000);
  const told = {last: by("count").textContent, hidden: [by("label").hidden]};
  choose({cell: "cope__cope_1k", search: ""});
  await wait(1500);
  choose({label: "without order"});
  await wait(1500);
  told.labelled = by("count").textContent;
  told.hidden.push(by("label").hidden);
  choose({cell: "rgb__rgb_4k"});
  await wait(1500);
  told.unlabelled = by("count").textContent;
  told.hidden.push(by("label").hidden);
  return told;
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_what_is_chosen_last_stands_and_labels_filter_only_where_there_are_any(
    finished: Finished, report: Path, tmp_path: Path
) -> None:
    told = probed(report, tmp_path, "questions/mini_motion.html#cell=cope__cope_1k", LATE, width=1280)
    path = finished.layout.cell("rgb", "rgb_4k", 0) / "mini_motion.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    asked = [row for row in rows if "order" in row["question"]]
    assert told["last"] == f"{len(asked)} of 180 questions, {sum(row['score'] for row in asked)} right"
    assert told["labelled"].startswith("90 of 180 questions")
    assert told["unlabelled"] == f"180 of 180 questions, {sum(row['score'] for row in rows)} right"
    assert told["hidden"] == [True, False, True]


SEARCH = """
  const rows = [...page.querySelectorAll(".tall tbody tr")], search = page.querySelector("input[type=search]");
  search.value = "cope.mini.retrieval recall@5";
  search.dispatchEvent(new Event("input"));
  return [rows.length, rows.filter((row) => !row.hidden).map((row) => row.children[1].textContent)];
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_a_tall_table_is_searched_on_every_page(finished: Finished, report: Path, tmp_path: Path) -> None:
    rows, left = probed(report, tmp_path, "tables/claims.html", SEARCH)
    assert rows == len(finished.sources.verdicts) and left == ["cope.mini.retrieval"]
    for page in sorted(report.glob("*.html")):
        assert page.read_text().count('<script src="tables.js"></script>') == 1, page.name
