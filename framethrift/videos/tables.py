"""The tables of a dataset: videos, questions, captions, quarantine (parquet), written atomically and checked both ways."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from framethrift.config.data import SPLITS
from framethrift.files import replace_file

Row = Mapping[str, Any]


class TableError(ValueError):
    """A table that does not say what it must: names the table, the row and the column."""


@dataclass(frozen=True)
class Table:
    """One kind of table: file name, columns, the columns that identify a row, and what every row must satisfy."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    complaint: Callable[[Row], str | None]
    defaults: Row = field(default_factory=dict)  # of columns that a writer may leave out

    def path(self, folder: Path) -> Path:
        """File of this table inside a dataset's folder."""
        return folder / f"{self.name}.parquet"


def _split_complaint(row: Row) -> str | None:
    return None if row["split"] in SPLITS else f"split {row['split']!r} is unknown; allowed: {', '.join(SPLITS)}"


def _video_complaint(row: Row) -> str | None:
    path = PurePosixPath(row["path"])
    if path.is_absolute() or ".." in path.parts:
        return f"path {row['path']!r} must lie inside the study folder"
    for column in ("duration", "fps", "width", "height", "frames"):
        if row[column] <= 0:
            return f"{column} is {row[column]}, must be above 0"
    return _split_complaint(row)


def _question_complaint(row: Row) -> str | None:
    if row["options"] and row["answer"] not in row["options"]:
        return f"answer {row['answer']!r} is not among the options {list(row['options'])}"
    if row["letter"] and (len(row["letter"]) != 1 or not 0 <= ord(row["letter"]) - ord("A") < len(row["options"])):
        return f"letter {row['letter']!r} names none of the {len(row['options'])} options"
    for interval in row["evidence"]:
        if len(interval) != 2 or not 0 <= interval[0] <= interval[1]:
            return f"evidence {list(interval)} is no [start, end] in seconds"
    for column in ("start", "end", "until"):
        if row[column] is not None and row[column] < 0:
            return f"{column} is {row[column]}, must not be below 0 seconds"
    return _split_complaint(row)


def _no_complaint(row: Row) -> str | None:
    return None


_TEXT, _NUMBER, _COUNT = pa.string(), pa.float64(), pa.int64()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


VIDEOS = Table(
    "videos",
    _schema(
        video_id=_TEXT, dataset=_TEXT, split=_TEXT, path=_TEXT, duration=_NUMBER, fps=_NUMBER,
        width=_COUNT, height=_COUNT, frames=_COUNT, sha256=_TEXT,
    ),
    ("video_id",),
    _video_complaint,
)  # fmt: skip
# The columns with defaults are for published benchmarks. `cluster` is what the benchmark counts as one video (several files may
# be cut from it; "": the file itself); `letter` is that of the right option where they are lettered; `answers` are all accepted
# ones of an open question; nothing of the video after `until` seconds may be shown, and [`start`, `end`] is the clip asked about;
# `part` is reported apart. The lmms-eval task `task` reads `document` (JSON) and looks for the video at `media` below HF_HOME;
# a document of several rounds is several questions with its document_id; `support` pairs more paths below HF_HOME with files.
QUESTIONS = Table(
    "questions",
    _schema(
        question_id=_TEXT, video_id=_TEXT, dataset=_TEXT, split=_TEXT, benchmark=_TEXT, type=_TEXT, question=_TEXT, answer=_TEXT,
        options=pa.list_(_TEXT), evidence=pa.list_(pa.list_(_NUMBER)), queries=pa.list_(_TEXT),
        cluster=_TEXT, letter=_TEXT, answers=pa.list_(_TEXT), part=_TEXT, task=_TEXT, document=_TEXT, document_id=_TEXT,
        round=_COUNT, media=_TEXT, support=pa.list_(pa.list_(_TEXT)),
    ).append(pa.field("until", _NUMBER)).append(pa.field("start", _NUMBER)).append(pa.field("end", _NUMBER)),
    ("benchmark", "question_id"),
    _question_complaint,
    {
        **{"cluster": "", "letter": "", "answers": [], "part": "", "task": "", "document": "", "document_id": "", "round": 0},
        **{"media": "", "support": [], "until": None, "start": None, "end": None},
    },
)  # fmt: skip
CAPTIONS = Table(
    "captions",
    _schema(video_id=_TEXT, dataset=_TEXT, split=_TEXT, time=_NUMBER, caption=_TEXT),
    ("video_id", "time"),
    _split_complaint,
)
# What the construction of a question set did not use: events, questions, replies, and why.
LEFT_OUT = Table("left_out", _schema(what=_TEXT, reason=_TEXT, count=_COUNT), ("what", "reason"), _no_complaint)
QUARANTINE = Table("quarantine", _schema(video_id=_TEXT, path=_TEXT, reason=_TEXT, detail=_TEXT), ("video_id",), _no_complaint)


def write_table(table: Table, rows: Iterable[Row], folder: Path) -> Path:
    """Check `rows` and write them to `folder`/<table>.parquet, atomically.

    Raises TableError naming the table, the row and the column on a missing or unknown column, a value of the wrong type,
    a repeated key, an unknown split, an answer that is no option, or a path outside the study.
    """
    listed = [{**table.defaults, **row} for row in rows]
    for index, row in enumerate(listed):
        _check_columns(table, row.keys(), f"row {index} ({_key_text(table, row)})")
    try:
        columns = pa.Table.from_pylist(listed, schema=table.schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise TableError(f"{table.name} table: {_first_bad_value(table, listed) or error}") from error
    _check_rows(table, listed)
    folder.mkdir(parents=True, exist_ok=True)
    target = table.path(folder)
    replace_file(target, lambda partial: pq.write_table(columns, partial, compression="zstd"))
    return target


def read_table(table: Table, folder: Path) -> pa.Table:
    """Read `folder`/<table>.parquet as an arrow table with exactly the table's columns; errors as `write_table`.

    Raises FileNotFoundError naming the file when the dataset has not been built.
    """
    path = table.path(folder)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no {table.name} table; build the dataset first")
    try:
        columns = pq.read_table(path)
    except pa.ArrowInvalid as error:
        raise TableError(f"{path}: not a parquet file ({error})") from error
    _check_columns(table, columns.column_names, str(path))
    try:
        columns = columns.select(table.schema.names).cast(table.schema)
    except (pa.ArrowInvalid, ValueError) as error:
        raise TableError(f"{path}: {error}") from error
    _check_rows(table, columns.to_pylist())
    return columns


def read_rows(table: Table, folder: Path) -> list[dict[str, Any]]:
    """Rows of `folder`/<table>.parquet as dictionaries; errors as `read_table`."""
    return read_table(table, folder).to_pylist()


def _key_text(table: Table, row: Row) -> str:
    return ", ".join(f"{column} {row[column]!r}" for column in table.key if column in row)


def _check_columns(table: Table, names: Iterable[str], where: str) -> None:
    present, wanted = set(names), set(table.schema.names)
    if missing := sorted(wanted - present):
        raise TableError(f"{table.name} table, {where}: column {missing[0]!r} is missing; columns: {table.schema.names}")
    if unknown := sorted(present - wanted):
        raise TableError(f"{table.name} table, {where}: column {unknown[0]!r} is unknown; columns: {table.schema.names}")


def _first_bad_value(table: Table, rows: Sequence[Row]) -> str | None:
    for index, row in enumerate(rows):
        for column in table.schema:
            try:
                pa.array([row[column.name]], column.type)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                return f"row {index} ({_key_text(table, row)}): {column.name} {row[column.name]!r} is no {column.type}"
    return None


def _check_rows(table: Table, rows: Sequence[Row]) -> None:
    seen: dict[tuple[Any, ...], int] = {}
    for index, row in enumerate(rows):
        where = f"{table.name} table, row {index} ({_key_text(table, row)})"
        for column in table.schema:
            if row[column.name] is None and not column.nullable:
                raise TableError(f"{where}: {column.name} is empty")
        key = tuple(row[column] for column in table.key)
        if key in seen:
            raise TableError(f"{where}: repeats row {seen[key]}")
        seen[key] = index
        if complaint := table.complaint(row):
            raise TableError(f"{where}: {complaint}")
