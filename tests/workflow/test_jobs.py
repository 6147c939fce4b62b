"""The table of jobs that steps check themselves by says what the rules say, and the DAG stays small and quick to plan."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from framethrift.config import Workflow
from framethrift.config.jobs import job
from tests.workflow.conftest import ROOT, TINY

CODE = """
import json, sys
from dataclasses import asdict
from framethrift.integrity.planned import planned_jobs
print(json.dumps([asdict(one) for one in planned_jobs(sys.argv[2:], [f"study={sys.argv[1]}"])]))
"""


def _planned(folder: Path, study: Path, *targets: str) -> list[dict[str, Any]]:
    """The jobs; planning the whole DAG, rules and all, fails here if anything imports torch."""
    (folder / "config").symlink_to(ROOT / "config")
    (folder / "without").mkdir()
    (folder / "without/torch.py").write_text("raise ImportError('planning needs no torch')\n")
    command = [sys.executable, "-c", CODE, str(study), *targets]
    paths = {"PYTHONPATH": f"{folder / 'without'}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("study", "targets"),
    [
        (TINY, ["all", "reports/tiny.crate.zip", "reports/tiny/tables/table_1.html", "reports/tiny/tables/table_h6.csv"]),
        (ROOT / "config/studies/mini.yaml", []),
        (ROOT / "config/studies/small.yaml", []),
        (ROOT / "config/studies/paper.yaml", []),
    ],
    ids=["tiny", "mini", "small", "paper"],
)
def test_jobs_read_and_write_what_their_rules_declare(tmp_path: Path, study: Path, targets: list[str]) -> None:
    jobs = _planned(tmp_path, study, *targets)
    assert 15 < len(jobs) < 2000
    flow = Workflow(str(study), [])
    for one in jobs:
        names = {"name" if key == "table" else key: value for key, value in one["names"].items()}
        ours = job(flow, one["rule"], **names)
        assert set(ours.reads) == set(one["inputs"]), f"framethrift/config/jobs.py: {one['rule']}"
        assert set(ours.writes) == set(one["outputs"]), f"framethrift/config/jobs.py: {one['rule']}"
