"""Files of the user's own among a job's inputs: no job makes them, so no receipt describes them and no repair deletes them."""

from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.config.jobs import Job
from framethrift.files import file_digest
from framethrift.integrity.receipts import IntegrityError
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
