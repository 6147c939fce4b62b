"""The dependency audit hides no failure, and says when it could not be made."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("says", "ends", "code"),
    [
        ("a Dependency not found on PyPI and could not be audited: a (1)", 0, 0),
        ("a could not be audited\nb could not be audited", 0, 3),
        ("No known vulnerabilities found", 0, 0),
        ("Found 1 known vulnerability in 1 package", 1, 1),
        ("ERROR: requirements.lock: unreadable", 2, 1),
        ("requests.exceptions.ConnectionError: Max retries exceeded", 1, 3),
    ],
)
def test_exit_codes(tmp_path: Path, says: str, ends: int, code: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/audit", tmp_path / ".ci/audit")
    (tmp_path / "requirements.lock").write_text("# two packages\na==1\nb==2\n")
    program = tmp_path / ".venv/audit/bin/pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho "$@" > arguments\necho "{says}" >&2\nexit {ends}\n')
    program.chmod(0o755)
    done = subprocess.run([tmp_path / ".ci/audit"], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert says in done.stdout
    assert ("NOT AUDITED" in done.stdout) == (code == 3)
    assert "requirements.lock" in (tmp_path / "arguments").read_text()
