"""Whether a file can be what it claims to be, judged by its own format: catches what a full disk or a killed tool leaves."""

import json
from collections.abc import Callable
from pathlib import Path


def complaint(path: Path) -> str | None:
    """What is wrong with a finished file, by its suffix; None when nothing is. Reads it whole, but no video or weight."""
    if not path.is_file():
        return "is missing"
    if not path.stat().st_size:
        return "is empty"
    return _FORMATS.get(path.suffix, _anything)(path)


def _json(path: Path) -> str | None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return f"is not valid JSON ({error})"
    return None


def _json_lines(path: Path) -> str | None:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    if lines.pop():
        return "ends in the middle of a line"
    for number, line in enumerate(lines, start=1):
        try:
            json.loads(line)
        except ValueError as error:
            return f"line {number} is not valid JSON ({error})"
    return None


def _parquet(path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        return f"is not a readable parquet table ({error})"
    return None


def _anything(path: Path) -> str | None:
    return None


_FORMATS: dict[str, Callable[[Path], str | None]] = {".json": _json, ".jsonl": _json_lines, ".parquet": _parquet}
