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
# Headless windows cannot be as narrow as a phone; a frame can.
PROBE = """<!DOCTYPE html><body><pre id="found"></pre><iframe width="390" height="800"></iframe><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => setTimeout(() => {{
  const page = frame.contentDocument;
  const search = page.getElementById("search");
  if (search) {{ search.value = "order"; search.dispatchEvent(new Event("input")); }}
  const count = page.getElementById("count");
  const beyond = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  document.getElementById("found").textContent = `${{beyond}} ${{count ? count.textContent : ""}}`;
}}, 3000));
frame.src = "file://{page}";
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone_and_runs_without_errors(report: Path, tmp_path: Path, page: str) -> None:
    probe = tmp_path / "probe.html"
    probe.write_text(PROBE.format(page=f"{report}/{page}.html"))
    command = [str(CHROMIUM), *OPTIONS.split(), f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"file://{probe}"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)}
    )
    found = re.search(r'<pre id="found">(\S+) (.*?)</pre>', done.stdout, flags=re.S)
    assert found is not None, f"{page} did not load"
    assert found[1] == "0", f"{page} is {found[1]} pixels wider than a phone"
    if page.startswith("questions/"):
        assert "90 of 180 questions" in found[2]
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
