"""What a change reruns, counted by Snakemake and said in words (F17): a comment nothing, a kernel what rests on it."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.failures.conftest import ROOT, Folder

pytestmark = pytest.mark.xdist_group("failures")  # one process, so that the study runs once


@pytest.fixture
def own_code(broken: Folder) -> Folder:
    """A finished study whose code is a copy, to be edited."""
    for name in ("framethrift", "lightning_modules", "workflow", "config", "perf", "Snakefile"):
        link = broken.path / name
        link.unlink()
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, link, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, link)
    return broken


def _why(folder: Folder, *words: str) -> str:
    done = folder.framethrift("why", "--study", "spark.yaml", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rules(said: str) -> set[str]:
    return set(re.findall(r"^(\w+).* would run:$", said, re.MULTILINE))


def _comment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"""', '"""Another docstring: ', 1) + "\n\n# a comment\n", encoding="utf-8")


def _kernel(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "np.uint8" in text
    path.write_text(text.replace("np.uint8", "np.uint8 if True else np.int8", 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("module", "edit", "rules"),
    [
        ("framethrift/codec/fusion.py", _comment, set()),
        ("framethrift/codec/fusion.py", _kernel, {"codec", "retrieval", "evaluate", "report"}),
    ],
    ids=["comment", "kernel"],
)
def test_an_edit_reruns_what_rests_on_it(own_code: Folder, module: str, edit: Callable[[Path], None], rules: set[str]) -> None:
    assert (own_code.path / module).read_text().startswith('"""')
    edit(own_code.path / module)
    said = _why(own_code)
    by_code = {line.split()[0] for line in re.split(r"(?m)^(?=\w)", said) if f"the code changed: {module}" in line}
    assert by_code == rules
    assert _rules(said) >= rules
    if not rules:
        assert "nothing would run" in said


def test_a_training_stage_says_that_it_keeps_its_result(own_code: Folder) -> None:
    path = own_code.path / "lightning_modules/schedule.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n\nANOTHER = 1\n", encoding="utf-8")
    said = _why(own_code)
    assert "nothing would run" in said
    assert "videolm variant=cope seed=0 keeps its result although code changed (lightning_modules/schedule.py)" in said


@pytest.mark.parametrize(
    ("change", "named", "rules"),
    [
        (
            "training.delta.learning_rate=0.5",
            "training.delta.learning_rate: 0.001 → 0.5",
            {"delta", "retrieval", "videolm", "evaluate", "report"},
        ),
        ("bootstrap=200", "bootstrap: 100 → 200", {"evaluate", "report"}),
        ("samplings.cope_1k.max_gops=3", "samplings.cope_1k.max_gops", {"videolm", "evaluate", "report"}),
    ],
)
def test_a_changed_field_names_itself(spark: Folder, change: str, named: str, rules: set[str]) -> None:
    said = _why(spark, "--set", change)
    assert _rules(said) == rules
    assert f"the study changed: {named}" in said
    assert said.count("the study changed") < 4, said


def test_a_deleted_output_and_a_new_one_are_told_apart(broken: Folder) -> None:
    report = "reports/spark/index.html"
    (broken.path / report).unlink()
    said = _why(broken)
    assert _rules(said) == {"report"}
    assert f"{report} is gone (it was made 20" in said
    said = _why(broken, "--set", "seeds=[0, 1]")
    assert "results/spark/models/cope/seed1/framethrift.json has not been made yet" in said


def test_one_target_is_explained_alone(spark: Folder) -> None:
    target = "results/spark/codec/motion/videos.parquet"
    assert f"{target}: made by codec dataset=motion, finished 20" in _why(spark, target)
    said = _why(spark, target, "--set", "recipes.motion.quantiser=9")
    assert _rules(said) == {"codec"}


def test_an_unknown_target_is_named(spark: Folder) -> None:
    done = spark.framethrift("why", "--study", "spark.yaml", "results/spark/nothing.json")
    assert done.returncode == 2
    assert "results/spark/nothing.json" in done.stderr and "Traceback" not in done.stderr


def test_times_alone_rerun_nothing(broken: Folder) -> None:
    """F20: a clone, a copy without times, a clock that was wrong."""
    for number, path in enumerate(sorted((broken.path / "results").rglob("*"))):
        if path.is_file() and not path.is_symlink():
            stamp = 1_600_000_000 + (number * 7919) % 1000
            os.utime(path, (stamp, stamp))
    assert "nothing would run" in _why(broken)
