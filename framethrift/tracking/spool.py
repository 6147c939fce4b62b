"""The local record of a run: one JSON object per line, appended, never rewritten.

It is the truth; MLflow gets copies. A killed process loses nothing that it logged (the line is with the kernel at once),
a lost machine at most the last two seconds (fsync). A line that was cut off by a full disk or a power cut is dropped.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

SYNC_INTERVAL = 2.0  # seconds between two fsyncs

Event = dict[str, Any]


class Spool:
    """Appends events to `path`; each gets `at`, milliseconds since 1970."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = _whole_lines(path)
        os.ftruncate(self._file, self._size)
        self._pending = b""
        self._synced_at = time.monotonic()

    def append(self, **event: Any) -> None:
        """Append one event. Raises OSError (a full disk): the event is then kept in memory and written with the next one."""
        line = json.dumps({"at": int(time.time() * 1000), **event}, ensure_ascii=False)
        self._pending += f"{line}\n".encode()
        self._write()
        if time.monotonic() - self._synced_at >= SYNC_INTERVAL:
            self.sync()

    def sync(self) -> None:
        """Write what is in memory and wait until the disk has it. Raises OSError."""
        self._write()
        os.fsync(self._file)
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Close the file; `sync` first."""
        os.close(self._file)

    def _write(self) -> None:
        if not self._pending:
            return
        try:
            written = os.write(self._file, self._pending)
            if written < len(self._pending):
                raise OSError(f"{self.path}: only {written} of {len(self._pending)} bytes could be written")
        except OSError:
            os.ftruncate(self._file, self._size)  # no half line stays behind
            raise
        self._size += written
        self._pending = b""


def read_events(path: Path) -> list[Event]:
    """All whole events of a spool. Raises ValueError for a line that is not JSON."""
    data = path.read_bytes()[: _whole_lines(path)]
    events = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            events.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: not a JSON event ({error}); the file was damaged from outside") from error
    return events


def _whole_lines(path: Path) -> int:
    """Size in bytes up to and including the last newline."""
    return path.read_bytes().rfind(b"\n") + 1
