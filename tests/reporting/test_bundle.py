"""The archive of a result: complete, described by the standard, and without weights or videos."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from framethrift.progress import Progress
from framethrift.reporting.bundle import write_bundle
from framethrift.reporting.cards import data_cards, model_cards
from tests.reporting.conftest import Finished


def test_the_archive_holds_every_cell_and_says_what_made_it(finished: Finished, report: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.crate.zip"
    write_bundle(finished.sources, report, target, Progress("test"), revision="0123abc")
    with zipfile.ZipFile(target) as archive:
        names = set(archive.namelist())
        crate = {entity["@id"]: entity for entity in json.loads(archive.read("ro-crate-metadata.json"))["@graph"]}
        root = finished.layout.root
        cells = sorted(root.glob("cells/**/*.jsonl"))
        assert len(cells) > 10
        for cell in cells:
            packed = archive.read(f"results/tiny/{cell.relative_to(root).as_posix()}")
            assert hashlib.sha256(packed).digest() == hashlib.sha256(cell.read_bytes()).digest()
    assert {"Snakefile", "LICENSE", "CITATION.cff", "requirements.lock", "settings.yaml", "report/tiny/index.html"} <= names
    assert {"workflow/rules/report.smk", "config/studies/mini.yaml", "cards/dataset-motion.md"} <= names
    assert not [name for name in names if name.endswith((".safetensors", ".mp4", ".ckpt"))]
    assert crate["./"]["mainEntity"] == {"@id": "Snakefile"} and crate["Snakefile"]["version"] == "0123abc"
    action = crate["#run"]
    assert action["@type"] == "CreateAction" and action["actionStatus"].endswith("CompletedActionStatus")
    described = {entry["@id"] for entry in action["result"]}
    assert {f"results/tiny/{cell.relative_to(root).as_posix()}" for cell in cells} <= described <= set(crate)
    assert [path for path in tmp_path.iterdir()] == [target]


def test_without_a_report_there_is_nothing_to_pack(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="render the report first"):
        write_bundle(finished.sources, tmp_path, tmp_path / "x.zip", Progress("test"), revision=None)


def test_cards_say_where_things_come_from_and_what_they_are_not(finished: Finished) -> None:
    cards = {card.name: card.facts for card in data_cards(finished.sources)}
    assert set(cards) == set(finished.study.datasets)
    assert "world seed" in cards["motion"]["Origin"] and "real videos" in cards["motion"]["Limits"]
    assert cards["motion"]["Quarantined"].startswith("1 videos")
    models = {card.name: card.facts for card in model_cards(finished.sources)}
    assert set(models) == {f"{variant}, seed {seed}" for variant in finished.study.variants for seed in finished.study.seeds}
    assert "cope_1k on Mini-Motion" in models["cope, seed 0"]["Results, all seeds"]
    assert models["cope, seed 0"]["Files"] == "not trained yet"
