"""One real run of the whole DAG on the tiny study, shared by the tests of this folder."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests/workflow/tiny.yaml"


@dataclass
class Run:
    """A folder in which Snakemake runs the repository's workflow."""

    folder: Path

    def snakemake(
        self, *arguments: str, study: Path | str = TINY, config: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake there; the caller checks the return code."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(self.folder)]
        command += ["--profile", str(ROOT / "workflow/profiles/default"), *arguments, "--config", f"study={study}", *config]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})

    def planned(self, *arguments: str, study: Path | str = TINY, config: tuple[str, ...] = ()) -> dict[str, int]:
        """Rule → number of jobs that a dry run lists."""
        done = self.snakemake("--dry-run", *arguments, study=study, config=config)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output
        table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
        return {line.split()[0]: int(line.split()[1]) for line in table.group(1).splitlines()} if table else {}


@pytest.fixture(scope="session")
def empty_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Nothing computed yet."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "config").symlink_to(ROOT / "config")
    return Run(folder)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The tiny study, run to its report."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "config").symlink_to(ROOT / "config")
    run = Run(folder)
    done = run.snakemake()
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return run
