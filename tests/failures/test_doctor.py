"""Whatever is damaged, the next step refuses it by name, `framethrift doctor` finds it, and the command it prints repairs it."""

import json
import os
import random
import shlex
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from framethrift.integrity.doctor import Diagnosis, examine
from framethrift.integrity.media import checkpoint_findings
from framethrift.integrity.steps import input_problem
from tests.failures.conftest import Folder

pytestmark = pytest.mark.xdist_group("failures")  # one process, so that the study runs once


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(0).randrange(len(data))] ^= 1
    path.write_bytes(data)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: list[Callable[[Path], None]] = [_cut, _flip, _empty, Path.unlink]


def _examined(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Diagnosis:
    monkeypatch.chdir(folder.path)
    return examine(folder.layout)


def test_a_finished_study_is_healthy(spark: Folder) -> None:
    done = spark.framethrift("doctor", "results/spark")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "are what their jobs wrote" in done.stdout
    assert "left over" not in done.stdout


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__.strip("_"))
def test_every_damaged_output_is_refused_by_the_next_step_and_found(
    broken: Folder, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(broken.path)
    layout = broken.layout
    receipts = [path.relative_to(layout.receipts) for path in layout.receipts.rglob("*.json")]
    other = ("origins", "verified", "reports")
    outputs = [layout.root / str(path).removesuffix(".json") for path in receipts if path.parts[0] not in other]
    assert len(outputs) == 12
    for output in outputs:
        kept = output.read_bytes(), output.stat()
        assert input_problem(layout, str(output)) is None
        damage(output)
        assert input_problem(layout, str(output)) is not None, output
        found = examine(layout, quick=True)
        assert str(output) in {finding.path for finding in found.findings} | set(found.findings[0].make), output
        assert not found.healthy
        output.write_bytes(kept[0])
        os.utime(output, ns=(kept[1].st_atime_ns, kept[1].st_mtime_ns))
    assert examine(layout).healthy


@pytest.mark.parametrize(
    "pattern",
    [
        "videos/motion/source/**/*.mp4",
        "codec/motion/*.mp4",
        "models/cope/seed0/model.safetensors",
        "models/vision/*.safetensors",
        "cells/cope/cope_1k/seed0/mini_motion.jsonl",
        "checkpoints/**/*.ckpt",
    ],
)
def test_every_file_that_an_output_counts_on_is_checked(broken: Folder, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sorted((broken.path / broken.layout.root).glob(pattern))[0]
    assert _examined(broken, monkeypatch).healthy
    _flip(path)
    diagnosis = examine(broken.layout)
    assert not diagnosis.healthy
    assert any(path.name in finding.path + finding.what for finding in diagnosis.findings)
    path.unlink()
    if "checkpoints" not in pattern:  # worthless once the stage is done
        assert not examine(broken.layout).healthy


def test_an_output_without_a_receipt_counts_as_unfinished(broken: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What remains when a scheduler takes a lost job (state UNKNOWN) for a finished one."""
    monkeypatch.chdir(broken.path)
    output = "results/spark/codec/motion/videos.parquet"
    Path(f"results/spark/receipts/codec/motion/{Path(output).name}.json").unlink()
    assert input_problem(broken.layout, output) == "has no receipt: the job that makes it did not finish"
    done = broken.framethrift("retrieval", "--study", "spark.yaml", "--name", "cope")
    assert done.returncode == 2
    assert f"{output} has no receipt" in done.stderr and "repair: rm -f" in done.stderr
    assert "Traceback" not in done.stderr
    assert output in {finding.path for finding in examine(broken.layout).findings}


def test_the_printed_commands_repair_it(broken: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = broken.path / broken.layout.root
    _flip(next((root / "codec/motion").glob("*.mp4")))
    (root / "retrieval/cope/seed0.json").unlink()
    (root / "tracking/mlflow.db").write_bytes(b"this is no database " * 100)
    (root / "codec/motion/.left.123.partial.mp4").write_bytes(b"half")
    locks = broken.path / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text("results/spark/codec/motion/videos.parquet\n")
    answered = json.loads(broken.framethrift("doctor", "results/spark", "--json").stdout)
    assert not answered["healthy"]
    assert len(answered["findings"]) == 5
    for command in answered["repairs"]:
        done = broken.command("bash", "-c", command)
        assert done.returncode == 0, (command, done.stdout + done.stderr)
    assert shlex.split(answered["repairs"][-1])[-1] == "all"
    diagnosis = _examined(broken, monkeypatch)
    assert diagnosis.healthy and not diagnosis.findings, diagnosis.findings
    with sqlite3.connect(root / "tracking/mlflow.db") as database:  # made again from the local records
        assert database.execute("select count(*) from metrics").fetchone()[0] > 10
    assert "nothing would run" in broken.framethrift("why", "--study", "spark.yaml").stdout


def test_a_checkpoint_cut_anywhere_is_found(broken: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """F6 and F7: killed while it is written, at twenty places; flipped bits."""
    monkeypatch.chdir(broken.path)
    path = sorted((broken.layout.root / "checkpoints").rglob("*.ckpt"))[0]
    whole, rng = path.read_bytes(), random.Random(6)
    assert not list(checkpoint_findings(broken.layout))
    for _ in range(20):
        path.write_bytes(whole[: rng.randrange(len(whole))])
        assert [finding.path for finding in checkpoint_findings(broken.layout)] == [str(path)]
    flips = 0
    for _ in range(20):
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        flips += bool(list(checkpoint_findings(broken.layout)))
    assert flips >= 12, "flips in a tensor are found; those in the padding between them change nothing"


def test_a_folder_that_is_no_study_is_named(tmp_path: Path, spark: Folder) -> None:
    done = spark.framethrift("doctor", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr and "results/mini" in done.stderr
