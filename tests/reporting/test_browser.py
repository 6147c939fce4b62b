"""The pages in a real browser: phone width without sideways scroll, questions that filter, no error on the console."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=60000 "
    "--enable-logging=stderr --v=0"
)
PAGES = (
    "index",
    "claims",
    "papers",
    "choices",
    "provenance",
    "questions/mllm__top_k_4__mini_needle",
    "figures/pareto",
    "tables/claims",
)
# Headless windows cannot be as narrow as a phone; a frame can. Every page is measured in one run.
PROBE = """<!DOCTYPE html><body><pre id="found"></pre>{frames}<script>
const found = document.getElementById("found");
for (const frame of document.querySelectorAll("iframe")) frame.onload = () => setTimeout(() => {{
  const page = frame.contentDocument;
  const search = page.getElementById("search");
  if (search) {{ search.value = "order"; search.dispatchEvent(new Event("input")); }}
  const count = page.getElementById("count");
  const beyond = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  found.textContent += `${{frame.id}} ${{beyond}} ${{count ? count.textContent : ""}}\\n`;
}}, 3000);
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
def test_every_page_fits_a_phone_and_runs_without_errors(report: Path, tmp_path: Path) -> None:
    frames = "".join(
        f'<iframe id="{page}" src="file://{report}/{page}.html" width="390" height="800"></iframe>' for page in PAGES
    )
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(frames=frames))
    command = [str(CHROMIUM), *OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{probe}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)}
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, flags=re.S)
    assert found is not None
    lines = dict(line.split(" ", 1) for line in found[1].splitlines())
    assert set(lines) == set(PAGES)
    assert {page: line.split()[0] for page, line in lines.items()} == dict.fromkeys(PAGES, "0")
    assert "90 of 180 questions" in lines["questions/mllm__top_k_4__mini_needle"]
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
