"""Files of the user's own among a job's inputs: no job makes them, so no receipt describes them and no repair deletes them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from framethrift.config import Layout
from framethrift.config.jobs import Job
from framethrift.files import file_digest, write_json
from framethrift.integrity.doctor import examine
from framethrift.integrity.receipts import IntegrityError, Receipt, receipt_path
from framethrift.integrity.steps import check_inputs


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.chdir(tmp_path)
    return Layout("results/own")


def _job(*reads: str) -> Job:
    return Job("evaluate", {"variant": "a", "sampling": "b", "seed": 0}, reads, ())


def test_a_given_file_is_read_without_a_receipt_and_its_digest_kept(layout: Layout) -> None:
    file = Path("theirs.jsonl")
    file.write_text("{}\n")
    assert check_inputs(layout, _job("theirs.jsonl"), []) == {"theirs.jsonl": file_digest(file)}


def test_a_missing_one_is_named_and_nothing_is_said_of_removing_it(layout: Layout) -> None:
    with pytest.raises(IntegrityError, match=r"theirs\.jsonl is missing; no job makes it") as caught:
        check_inputs(layout, _job("theirs.jsonl"), [])
    assert "rm" not in str(caught.value).split()


def test_a_result_still_needs_its_receipt(layout: Layout) -> None:
    Path("results/own").mkdir(parents=True)
    Path("results/own/cells.json").write_text("{}\n")
    with pytest.raises(IntegrityError, match=r"has no receipt(.|\n)*rm -f"):
        check_inputs(layout, _job("results/own/cells.json"), ["--study", "mini"])


def test_the_doctor_finds_a_result_whose_given_file_has_changed(layout: Layout) -> None:
    output, file = Path("results/own/cells/a/b/seed0/cells.json"), Path("theirs.jsonl")
    file.write_text("{}\n")
    write_json(output, {})
    facts = {"cells/a/b/seed0/cells.json": {"size": output.stat().st_size, "sha256": file_digest(output)}}
    read = {"theirs.jsonl": file_digest(file)}
    origins: dict[str, Any] = {
        "digest": "",
        "settings": "",
        "version": None,
        "code": "",
        "study": "",
        "slurm": False,
        "finished": "",
    }
    names: dict[str, Any] = {
        "output": "cells/a/b/seed0/cells.json",
        "rule": "evaluate",
        "names": {},
        "arguments": ["--study", "mini"],
    }
    write_json(receipt_path(layout, output), asdict(Receipt(**names, **origins, inputs=read, files=facts)))
    assert examine(layout).healthy
    file.write_text("{} \n")
    assert ["was made from another theirs.jsonl than is there now" in str(one) for one in examine(layout).findings] == [True]
