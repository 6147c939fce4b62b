"""A shard's answers on disk: JSON lines, appended block by block.

A killed process loses nothing that it appended: a block is with the kernel before the next one is begun. A lost machine costs
at most the answers of the last two seconds (framethrift.tracking.spool), which are then given again.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from framethrift.evaluation.answering import Answer
from framethrift.evaluation.cells import write_rows
from framethrift.tracking.spool import SYNC_INTERVAL

_TEXT = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Record:
    """One answered question. `key` is the digest of everything that decided the answer (framethrift.evaluation.keys)."""

    benchmark: str
    question_id: str
    key: str
    answer: Answer

    def line(self) -> dict[str, Any]:
        """What is written."""
        return {"benchmark": self.benchmark, "question_id": self.question_id, "key": self.key, **vars(self.answer)}

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Record":
        """From what was written."""
        fields = dict(line)
        names = {name: fields.pop(name) for name in ("benchmark", "question_id", "key")}
        return cls(**names, answer=Answer(**fields))


@dataclass(frozen=True)
class Read:
    """What a journal holds: its records by key, seconds per stage, and how many lines were torn by a kill."""

    records: dict[str, Record]
    seconds: dict[str, float]
    torn: int


def read_journal(path: Path) -> Read:
    """The journal at `path`, empty if there is none. A last line that a kill cut short is counted and left out.

    Raises ValueError for a damaged line elsewhere: no kill does that.
    """
    records: dict[str, Record] = {}
    seconds: dict[str, float] = {}
    torn = 0
    lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
    for number, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            if number < len(lines):
                raise ValueError(f"{path}, line {number}: not valid JSON ({error}); delete the file to answer again") from error
            torn = 1
            continue
        if "stages" in line:
            for stage, value in line["stages"].items():
                seconds[stage] = seconds.get(stage, 0.0) + value
        else:
            record = Record.of(line)
            records[record.key] = record
    return Read(records, seconds, torn)


class Journal:
    """Appends answered blocks to a file that begins with `kept` records; open it with `with`."""

    def __init__(self, path: Path, kept: Sequence[Record], seconds: Mapping[str, float]) -> None:
        self._path, self._kept, self._seconds = path, kept, seconds

    def __enter__(self) -> Self:
        rows = [record.line() for record in self._kept]
        write_rows(self._path, [*rows, {"stages": dict(self._seconds)}])
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self._sync()
        return self

    def append(self, block: Sequence[Record], stages: Mapping[str, float]) -> None:
        """Add a block's answers and the seconds per stage that it took; no kill loses them once this returns."""
        lines = [*(record.line() for record in block), {"stages": {name: round(value, 6) for name, value in stages.items()}}]
        data = "".join([f"{_TEXT(line)}\n" for line in lines]).encode()
        while data:
            data = data[os.write(self._file, data) :]
        if time.monotonic() - self._synced_at >= SYNC_INTERVAL:
            self._sync()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._sync()
        finally:
            os.close(self._file)

    def _sync(self) -> None:
        os.fsync(self._file)
        self._synced_at = time.monotonic()
