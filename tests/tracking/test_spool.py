"""The local record: nothing that was logged is lost, nothing half written is read."""

import errno
import json
import os
from pathlib import Path

import pytest

from framethrift.tracking import spool as module
from framethrift.tracking.spool import Spool, read_events


def test_what_is_appended_is_on_disk_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run" / "000.jsonl")
    spool.append(step=1, metrics={"loss": 0.5})
    spool.append(tags={"note": "Δ, τ"})
    events = read_events(spool.path)
    assert [{key: value for key, value in event.items() if key != "at"} for event in events] == [
        {"step": 1, "metrics": {"loss": 0.5}},
        {"tags": {"note": "Δ, τ"}},
    ]
    assert all(event["at"] > 1_700_000_000_000 for event in events)
    spool.close()


@pytest.mark.parametrize("rest", ['{"at": 3, "st', '{"at": 3, "step": 3, "metrics": {}}'])
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "000.jsonl"
    path.write_text('{"at": 1, "step": 1}\n{"at": 2, "step": 2}\n' + rest)
    assert [event["step"] for event in read_events(path)] == [1, 2]
    spool = Spool(path)
    spool.append(step=4)
    spool.close()
    assert [event["step"] for event in read_events(path)] == [1, 2, 4]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "000.jsonl"
    path.write_text('{"at": 1}\nrubbish\n{"at": 2}\n')
    with pytest.raises(ValueError, match=r"000\.jsonl, line 2: not a JSON event"):
        read_events(path)


@pytest.mark.parametrize("half", [False, True])
def test_a_full_disk_keeps_events_until_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: bool) -> None:
    spool = Spool(tmp_path / "000.jsonl")
    spool.append(step=1)
    write = os.write

    def full(file: int, data: bytes) -> int:
        if half:
            return write(file, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    for step in (2, 3):
        with pytest.raises(OSError, match=r"space|bytes"):
            spool.append(step=step)
        assert [event["step"] for event in read_events(spool.path)] == [1]
        assert spool.path.read_bytes().endswith(b"\n")
    monkeypatch.undo()
    spool.sync()
    assert [event["step"] for event in read_events(spool.path)] == [1, 2, 3]
    spool.close()


def test_every_line_is_json_for_other_tools(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "000.jsonl")
    spool.append(start={"run_name": "a\nb", "params": {}})
    spool.close()
    assert len(spool.path.read_text().splitlines()) == 1
    assert json.loads(spool.path.read_text())["start"]["run_name"] == "a\nb"
