"""One finished run of the spark study, and copies of it to break."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from framethrift.config import Layout

ROOT = Path(__file__).parents[2]
SPARK = Path(__file__).with_name("spark.yaml")
LINKS = ("config", "workflow", "Snakefile", "slurm", "framethrift", "lightning_modules", "perf")
PROFILE = ("--profile", "workflow/profiles/default")
CONFIG = ("--config", "study=spark.yaml")


@dataclass(frozen=True)
class Folder:
    """A folder in which the project's commands run on the spark study."""

    path: Path

    @property
    def layout(self) -> Layout:
        """Where everything lies, relative to the folder."""
        return Layout("results/spark")

    @property
    def environment(self) -> dict[str, str]:
        """The project's own commands first, its own code."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.path)}

    def command(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        """Run a command there; the caller checks the return code."""
        settings = {"cwd": self.path, "env": self.environment, "capture_output": True, "text": True, "check": False}
        return subprocess.run(words, **(settings | options))  # type: ignore[call-overload,no-any-return]

    def framethrift(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line."""
        return self.command(sys.executable, "-c", "from framethrift.cli import main; main()", *words)

    def snakemake(self, *targets: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """Run Snakemake for some targets, or the whole study."""
        return self.command(sys.executable, "-m", "snakemake", *PROFILE, *options, *CONFIG, "--", *targets)

    def begin(self, *targets: str, options: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start Snakemake, in a process group of its own."""
        command = [sys.executable, "-m", "snakemake", *PROFILE, *options, *CONFIG, "--", *targets]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.path, env=self.environment, start_new_session=True, text=True, **pipes)


def new_folder(path: Path, links: tuple[str, ...] = LINKS) -> Folder:
    """An empty folder with the project linked into it."""
    path.mkdir(parents=True, exist_ok=True)
    for name in links:
        (path / name).symlink_to(ROOT / name)
    shutil.copy(SPARK, path / "spark.yaml")
    return Folder(path)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The finished study; tests must not change it."""
    folder = new_folder(tmp_path_factory.mktemp("spark"))
    done = folder.snakemake()
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return folder


@pytest.fixture
def broken(spark: Folder, tmp_path: Path) -> Folder:
    """A copy of the finished study, to be broken."""
    return copied(spark, tmp_path / "copy")


def copied(folder: Folder, path: Path) -> Folder:
    """A copy with all times and links kept."""
    shutil.copytree(folder.path, path, symlinks=True)
    return Folder(path)
