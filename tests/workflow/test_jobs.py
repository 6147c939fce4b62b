"""The table of jobs that steps check themselves by says what the rules say, and the DAG stays small and quick to plan."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from framethrift.config import Workflow
from framethrift.config.jobs import job
from tests.workflow.conftest import ROOT, TINY

CODE = """
import json, sys
from dataclasses import asdict
from framethrift.integrity.planned import planned_jobs
jobs = planned_jobs(sys.argv[2:], [f"study={sys.argv[1]}"])
print(json.dumps({"torch": "torch" in sys.modules, "jobs": [asdict(one) for one in jobs]}))
"""


def _planned(folder: Path, study: Path, *targets: str) -> dict[str, object]:
    (folder / "config").symlink_to(ROOT / "config")
    command = [sys.executable, "-c", CODE, str(study), *targets]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


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
    planned = _planned(tmp_path, study, *targets)
    assert not planned["torch"], "planning the whole DAG, rules and all, needs no torch"
    jobs = planned["jobs"]
    assert isinstance(jobs, list) and 15 < len(jobs) < 2000
    flow = Workflow(str(study), [])
    for one in jobs:
        names = {"name" if key == "table" else key: value for key, value in one["names"].items()}
        ours = job(flow, one["rule"], **names)
        assert set(ours.reads) == set(one["inputs"]), f"framethrift/config/jobs.py: {one['rule']}"
        assert set(ours.writes) == set(one["outputs"]), f"framethrift/config/jobs.py: {one['rule']}"
