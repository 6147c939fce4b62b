"""Rows of official annotation files (JSON, JSON lines, CSV, TSV, parquet), and errors that name file, row and field."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


class AnnotationError(ValueError):
    """An annotation file that cannot be read: names the file, the row and the field."""


@dataclass(frozen=True)
class Record:
    """One row: `where` names its file and place; the methods return a field's value or raise AnnotationError."""

    where: str
    values: Mapping[str, Any]

    def error(self, field: str, complaint: str) -> AnnotationError:
        """The error to raise about a field of this row."""
        return AnnotationError(f"{self.where}: field {field!r} {complaint}")

    def raw(self, field: str) -> Any:
        """The value as it is in the file; the field must be there."""
        if field not in self.values:
            raise self.error(field, f"is missing; fields: {sorted(map(str, self.values))}")
        return self.values[field]

    def text(self, field: str, *, empty: bool = False) -> str:
        """Text, or a whole number as text; not blank unless `empty` allows it."""
        value = self.raw(field)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error(field, f"is {value!r}; allowed: text")
        if not empty and not str(value).strip():
            raise self.error(field, "is empty")
        return str(value)

    def number(self, field: str) -> float:
        """A finite number, also when written as text."""
        value = self.raw(field)
        try:
            number = math.nan if isinstance(value, bool) or value is None else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise self.error(field, f"is {value!r}; allowed: a number")
        return number

    def index(self, field: str, count: int) -> int:
        """A whole number from 0 to below `count`."""
        number = self.number(field)
        if number != int(number) or not 0 <= number < count:
            raise self.error(field, f"is {self.values[field]!r}; allowed: 0 to {count - 1}")
        return int(number)

    def items(self, field: str) -> list[Any]:
        """A list, possibly empty."""
        value = self.raw(field)
        if not isinstance(value, list | tuple):
            raise self.error(field, f"is {value!r}; allowed: a list")
        return list(value)

    def texts(self, field: str, *, least: int = 1) -> tuple[str, ...]:
        """A list of at least `least` texts."""
        values = self.items(field)
        if len(values) < least or not all(isinstance(value, str) for value in values):
            raise self.error(field, f"is {values!r}; allowed: a list of at least {least} texts")
        return tuple(values)

    def letter(self, field: str, count: int) -> str:
        """The letter of one of `count` options."""
        value = self.text(field).strip()
        if len(value) != 1 or not 0 <= ord(value) - ord("A") < count:
            raise self.error(field, f"is {value!r}; allowed: a letter from A to {chr(ord('A') + count - 1)}")
        return value

    def one_of(self, field: str, allowed: Sequence[str]) -> str:
        """One of the allowed texts."""
        value = self.text(field)
        if value not in allowed:
            raise self.error(field, f"is {value!r}; allowed: {sorted(allowed)}")
        return value

    def clock(self, field: str) -> float:
        """Seconds of a time written as H:MM:SS or MM:SS."""
        value = self.text(field)
        parts = value.split(":")
        if not 2 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
            raise self.error(field, f"is {value!r}; allowed: a time as HH:MM:SS")
        return float(sum(int(part) * 60**power for power, part in enumerate(reversed(parts))))

    def nested(self, field: str) -> "Iterator[Record]":
        """The mappings of a list field, each a record of its own."""
        for number, value in enumerate(self.items(field)):
            yield _record(f"{self.where}, {field}[{number}]", value)


def read_json(path: Path) -> Any:
    """Content of a JSON file; AnnotationError when it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: not JSON: {error}") from error


def mapping_of(path: Path, value: Any) -> dict[str, Any]:
    """`value` if it is a mapping; AnnotationError naming the file otherwise."""
    if not isinstance(value, dict):
        raise AnnotationError(f"{path}: must hold a mapping, found {type(value).__name__}")
    return value


def records(path: Path) -> Iterator[Record]:
    """Rows of a file by its suffix: .json (a list), .jsonl, .csv, .tsv or .parquet. Row numbers count from 0.

    Raises AnnotationError when the file is damaged, and by what the returned records check.
    """
    for number, row in enumerate(_rows(path)):
        yield _record(f"{path}: row {number}", row)


def _rows(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        try:
            yield from pq.read_table(path).to_pylist()
        except pa.ArrowInvalid as error:
            raise AnnotationError(f"{path}: not a parquet file: {error}") from error
    elif path.suffix in {".csv", ".tsv"}:
        with path.open(encoding="utf-8", newline="") as file:
            # Quotation marks in published TSV files are part of the text.
            style: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".tsv" else {}
            reader = csv.DictReader(file, strict=True, **style)
            try:
                # A row with too few or too many columns has a None among its values or names.
                yield from ({name: value for name, value in row.items() if None not in (name, value)} for row in reader)
            except (csv.Error, UnicodeDecodeError) as error:
                raise AnnotationError(f"{path}: line {reader.line_num}: {error}") from error
    elif path.suffix == ".jsonl":
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise AnnotationError(f"{path}: line {number + 1}: not JSON: {error}") from error
    else:
        content = read_json(path)
        if not isinstance(content, list):
            raise AnnotationError(f"{path}: must hold a list of rows, found {type(content).__name__}")
        yield from content


def _record(where: str, row: Any) -> Record:
    if not isinstance(row, Mapping):
        raise AnnotationError(f"{where}: is no mapping but {row!r}"[:300])
    return Record(where, row)
