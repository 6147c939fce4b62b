"""What `make` does on a machine of which nothing is known, played with stand-ins for Python, pip and Snakemake."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "cat", "echo", "find", "grep", "kill", "make", "mkdir", "printf", "pwd", "rm", "sed", "touch", "test")

# A Python of a given version: `-c` is run by the real one under that version, `-m venv` makes a .venv whose Python is
# another stand-in, everything else is recorded.
STAND_IN = """#!{python}
import json, os, pathlib, shutil, sys
arguments = sys.argv[1:]
if arguments[0] == "-c":
    sys.version_info = (*{version}, "final", 0)
    if {venv} is False:
        sys.modules["ensurepip"] = None
    sys.argv = ["-c", *arguments[2:]]
    exec(arguments[1])
elif arguments[:2] == ["-m", "venv"]:
    binaries = pathlib.Path(arguments[2], "bin")
    binaries.mkdir(parents=True)
    shutil.copy(__file__, binaries / "python")
else:
    with open("calls.jsonl", "a") as calls:
        print(json.dumps(arguments), file=calls)
    sys.exit(os.environ.get("FAIL", "-") in arguments)
"""


class Machine:
    """A checkout in a folder of its own and a PATH with nothing but the basic tools."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "it's a checkout"
        self.bin = folder / "bin"
        self.checkout.mkdir()
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
        for name in ("Makefile", "requirements.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, self.checkout)

    def python(self, name: str, *version: int, venv: bool = True) -> None:
        path = self.bin / name
        path.write_text(STAND_IN.format(python=sys.executable, version=version, venv=venv))
        path.chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": "/home/anna", **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[list[str]]:
        path = self.checkout / "calls.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        path.unlink(missing_ok=True)
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine on which the environment is filled."""
    machine.python("python3.11", 3, 11, 7)
    assert machine.make("test").returncode == 0
    machine.calls()
    return machine


PYTEST = ["-m", "pytest", "-n", "2", "--dist", "loadgroup"]


def test_without_a_fitting_python_one_message_says_what_was_found(machine: Machine) -> None:
    machine.python("python3", 3, 9, 18)
    machine.python("python3.13", 3, 13, 0, venv=False)
    done = machine.make("demo")
    assert done.returncode != 0
    assert done.stderr.splitlines()[:2] == [
        "Framethrift needs Python 3.11, 3.12 or 3.13 with its venv module. Found: python3.13 is 3.13.0, without its venv "
        "module (Debian and Ubuntu: the package python3-venv); python3 is 3.9.18.",
        "Install one of them, or name it: make PYTHON=/path/to/python3.11 demo",
    ]
    assert not (machine.checkout / ".venv").exists()


def test_without_any_python(machine: Machine) -> None:
    assert "Found: no Python at all." in machine.make("test").stderr


def test_a_python_that_does_not_start_is_passed_over(machine: Machine) -> None:
    (machine.bin / "python3.11").write_text("#!/bin/sh\nexit 127\n")  # a version manager's shim
    (machine.bin / "python3.11").chmod(0o755)
    machine.python("python3.12", 3, 12, 1)
    done = machine.make("test")
    assert done.returncode == 0 and "Creating .venv with Python 3.12.1" in done.stdout


def test_the_environment_is_filled_once_and_in_order(machine: Machine) -> None:
    machine.python("python3.11", 3, 11, 7)
    torch = next(line for line in (ROOT / "requirements.lock").read_text().splitlines() if line.startswith("torch=="))
    filling = [
        ["-m", "pip", "install", torch],
        ["-m", "pip", "install", "--no-deps", "-r", "requirements.lock"],
        ["-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e", "."],
    ]
    assert machine.make("test").returncode == 0
    assert machine.calls() == [*filling, PYTEST]
    assert machine.make("test").returncode == 0
    assert machine.calls() == [PYTEST]

    later = os.stat(machine.checkout / ".venv" / ".filled").st_mtime + 10
    os.utime(machine.checkout / "requirements.lock", (later, later))
    assert "Creating" not in machine.make("test").stdout
    assert machine.calls() == [*filling, PYTEST]


def test_a_cut_short_installation_starts_over(machine: Machine) -> None:
    machine.python("python3.11", 3, 11, 7)
    assert machine.make("test", FAIL="requirements.lock").returncode != 0
    assert len(machine.calls()) == 2
    left = machine.checkout / ".venv" / "half a package"
    left.touch()
    done = machine.make("test")
    assert "starting over" in done.stdout and done.returncode == 0
    assert not left.exists()


def test_two_installations_at_once_are_refused(machine: Machine) -> None:
    (machine.checkout / ".venv").mkdir()
    (machine.checkout / ".venv" / ".filling").write_text(f"{os.getpid()}\n")
    done = machine.make("test")
    assert done.returncode != 0 and f"Process {os.getpid()} is filling .venv right now" in done.stderr


def test_a_moved_checkout_gets_a_new_environment(ready: Machine) -> None:
    ready.checkout = ready.checkout.rename(ready.checkout.with_name("moved"))
    done = ready.make("test")
    assert "starting over" in done.stdout
    assert len(ready.calls()) == 4


def test_a_lost_python_is_noticed(ready: Machine) -> None:
    (ready.checkout / ".venv" / "bin" / "python").unlink()
    assert ready.make("test").returncode == 0
    assert len(ready.calls()) == 4


COMMON = ["--profile", "workflow/profiles/default", "--config", "study=mini"]


def test_demo_unlocks_runs_and_names_the_report(ready: Machine) -> None:
    done = ready.make("demo")
    assert done.returncode == 0, done.stderr
    assert ready.calls() == [["-m", "framethrift.unlock", *COMMON], ["-m", "snakemake", *COMMON]]
    assert done.stdout.splitlines()[-1] == f"The report: {ready.checkout}/reports/mini/index.html"


def test_a_failed_demo_fails_and_names_no_report(ready: Machine) -> None:
    done = ready.make("demo", FAIL="snakemake")
    assert done.returncode != 0 and "The report" not in done.stdout


@pytest.mark.parametrize(
    "folder", ["clips", "my clips", 'it\'s "mine"', "$HOME & $(touch x); `touch x`", "größe: [1, 2]", "2024", "-n", "a\\b"]
)
def test_any_folder_name_reaches_snakemake(ready: Machine, folder: str) -> None:
    assert ready.make("demo", f"CLIPS={folder}").returncode == 0
    settings = ready.calls()[-1][-1]
    name, _, value = settings.partition("=")
    assert (name, json.loads(value)) == ("clips", [folder])
    assert not (ready.checkout / "x").exists()


def test_the_home_folder_may_be_abbreviated(ready: Machine) -> None:
    ready.make("demo", CLIPS="~/clips")
    assert ready.calls()[-1][-1] == 'clips=["/home/anna/clips"]'


@pytest.mark.parametrize("study", ["..", "", "a/b", "Mini", "x y", "a'b", "$(HOME)"])
def test_a_study_name_that_could_do_harm_is_refused(ready: Machine, study: str) -> None:
    done = ready.make("clean", f"STUDY={study}")
    assert done.returncode != 0 and "STUDY is the name of a file in config/studies" in done.stderr


def test_clean_deletes_one_study_only(ready: Machine) -> None:
    for folder in ("results/mini", "results/paper", "reports/mini", "reports/published", "framethrift", "perf"):
        (ready.checkout / folder / "__pycache__").mkdir(parents=True)
    (ready.checkout / "tests").mkdir()
    (ready.checkout / "lightning_modules").mkdir()
    done = ready.make("clean")
    assert done.returncode == 0, done.stderr
    left = {path.relative_to(ready.checkout).as_posix() for path in ready.checkout.rglob("*") if path.is_dir()}
    assert {"results/paper", "reports/published", "framethrift", ".venv"} <= left
    assert not {"results/mini", "reports/mini", "framethrift/__pycache__"} & left


def test_lint_checks_everything(ready: Machine) -> None:
    assert ready.make("lint").returncode == 0
    assert [" ".join(call[1:3]) for call in ready.calls()] == [
        "ruff check",
        "ruff format",
        "snakefmt --check",
        "snakemake --lint",
        "mypy",
    ]


def test_mlflow_before_the_first_run_says_what_to_do(ready: Machine) -> None:
    done = ready.make("mlflow")
    assert done.returncode != 0 and "results/mini has no runs yet: make demo STUDY=mini" in done.stderr


def test_mlflow_opens_the_database_of_the_study(ready: Machine) -> None:
    (ready.checkout / "results" / "small" / "tracking").mkdir(parents=True)
    assert ready.make("mlflow", "STUDY=small", "PORT=5123").returncode == 0
    sync, ui = ready.calls()
    assert sync == ["-m", "framethrift.tracking", "results/small"]
    assert ready.make("mlflow", "STUDY=small", FAIL="framethrift.tracking").returncode == 0
    assert ready.calls()[-1][1] == "mlflow", "what could not be sent must not keep the rest from being looked at"
    assert ui[-1] == f"sqlite:///{ready.checkout}/results/small/tracking/mlflow.db" and "5123" in ui


def test_make_alone_lists_the_targets(ready: Machine) -> None:
    done = ready.make()
    assert all(f"make {target}" in done.stdout for target in ("demo", "test", "lint", "mlflow", "clean"))
    assert ready.calls() == []


def test_ci_runs_the_tests_last_and_fails_with_lint(ready: Machine) -> None:
    shutil.copytree(ROOT / ".ci", ready.checkout / ".ci")
    (ready.bin / "dirname").symlink_to(shutil.which("dirname") or "/usr/bin/dirname")
    auditor = ready.checkout / ".venv/audit/bin/pip-audit"
    auditor.parent.mkdir(parents=True)
    auditor.write_text("#!/bin/sh\necho 'No known vulnerabilities found'\n")
    auditor.chmod(0o755)
    for fail, status in (("-", 0), ("mypy", 2), ("pytest", 2)):
        done = subprocess.run(
            [ready.checkout / ".ci" / "run"], env={"PATH": str(ready.bin), "FAIL": fail}, check=False, capture_output=True
        )
        assert done.returncode == status
        assert ready.calls()[-1] == PYTEST
