"""pyproject.toml, requirements.lock, environment.yml and what the code imports agree."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _lock() -> dict[str, str]:
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")]
    pinned = {}
    for line in lines:
        match = re.fullmatch(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)", line)
        assert match, f"requirements.lock: {line!r} is no bare name==version (no hash, no +label, no address)"
        assert match[1] not in pinned, f"requirements.lock: {match[1]} twice"
        pinned[match[1]] = match[2]
    return pinned


@cache
def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def test_the_lock_is_what_is_installed() -> None:
    found = {name: version(name).partition("+")[0] for name in _lock()}
    assert found == _lock()


def test_every_direct_dependency_is_pinned_in_the_lock_and_nowhere_else() -> None:
    named = [*_project()["dependencies"], *_project()["optional-dependencies"]["dev"]]
    assert named == [_canonical(name) for name in named], "pyproject.toml names packages, without versions"
    assert set(named) <= set(_lock())
    assert len(set(named)) == len(named)


def test_no_cuda_package_and_no_build_tool_is_forgotten() -> None:
    assert not [name for name in _lock() if name.startswith("nvidia-") or name == "triton"], "torch brings these where they fit"
    assert {"setuptools", "hatchling"} <= set(_lock()), "the editable install is made without an isolated build"


def test_conda_users_get_the_same_versions() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert set(environment) == {"name", "channels", "dependencies"}
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}
    wanted = tuple(map(int, python.removeprefix("python=").split(".")))
    least = tuple(map(int, _project()["requires-python"].removeprefix(">=").split(".")))
    assert wanted >= least


def _imports(folder: str) -> dict[str, str]:
    """Top-level modules imported in a folder, each with a file that does."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names = [node.module]
            else:
                continue
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return found


@pytest.mark.parametrize(("folder", "extras"), [("framethrift", ["vllm"]), ("lightning_modules", []), ("tests", ["dev"])])
def test_what_is_imported_is_a_declared_dependency(folder: str, extras: list[str]) -> None:
    declared = {*_project()["dependencies"], *(name for extra in extras for name in _project()["optional-dependencies"][extra])}
    owners = packages_distributions()
    own = {"framethrift", "lightning_modules", "tests", *(path.stem for path in (ROOT / "tests").rglob("*.py"))}
    foreign = {name: path for name, path in _imports(folder).items() if name not in sys.stdlib_module_names | own}
    missing = {
        f"{name} (in {path})" for name, path in foreign.items() if declared.isdisjoint(map(_canonical, owners.get(name, [name])))
    }
    assert not missing


def test_the_citation_names_both_papers_and_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert (citation["version"], citation["license"]) == (_project()["version"], _project()["license"])
    assert [paper["url"][-10:] for paper in citation["references"]] == ["2602.13191", "2602.22932"]


@pytest.mark.xdist_group("grouped")
def test_pytest_keeps_the_tests_of_a_group_in_one_process(request: pytest.FixtureRequest) -> None:
    """Else a cluster would start twice side by side, and whole studies would run twice."""
    if not (hasattr(request.config, "workerinput") and request.config.getvalue("loadgroup")):
        pytest.skip("only of interest with pytest -n 2 --dist loadgroup, as in `make test`")
    assert request.node.nodeid.endswith("@grouped")
