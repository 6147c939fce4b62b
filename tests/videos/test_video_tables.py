from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framethrift.videos.tables import (
    CAPTIONS,
    QUARANTINE,
    QUESTIONS,
    VIDEOS,
    Table,
    TableError,
    read_rows,
    read_table,
    write_table,
)

VIDEO = {
    "video_id": "a", "dataset": "d", "split": "train", "path": "videos/d/source/train/a.mp4", "duration": 1.5, "fps": 25.0,
    "width": 96, "height": 64, "frames": 32, "sha256": "00",
}  # fmt: skip
QUESTION = {
    "question_id": "a-0", "video_id": "a", "dataset": "d", "split": "test", "benchmark": "b", "type": "order",
    "question": "did it ?", "answer": "yes", "options": ["yes", "no"], "evidence": [[0.0, 1.0], [2.0, 2.5]], "queries": [],
}  # fmt: skip


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    write_table(VIDEOS, [VIDEO], tmp_path)
    write_table(QUESTIONS, [QUESTION, QUESTION | {"question_id": "a-1", "options": [], "answer": "a free text"}], tmp_path)
    assert read_rows(VIDEOS, tmp_path) == [VIDEO]
    assert read_rows(QUESTIONS, tmp_path)[0] == {**QUESTIONS.defaults, **QUESTION}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["questions.parquet", "videos.parquet"]


@pytest.mark.parametrize("table", [VIDEOS, QUESTIONS, CAPTIONS, QUARANTINE])
def test_an_empty_table_keeps_its_columns(table: Table, tmp_path: Path) -> None:
    write_table(table, [], tmp_path)
    assert read_table(table, tmp_path).schema.names == table.schema.names
    assert read_table(table, tmp_path).schema.types == table.schema.types


@pytest.mark.parametrize(
    ("table", "row", "message"),
    [
        (VIDEOS, {k: v for k, v in VIDEO.items() if k != "fps"}, r"row 0 \(video_id 'a'\): column 'fps' is missing"),
        (VIDEOS, VIDEO | {"colour": "red"}, "column 'colour' is unknown"),
        (VIDEOS, VIDEO | {"width": "wide"}, r"row 0 \(video_id 'a'\): width 'wide' is no int64"),
        (VIDEOS, VIDEO | {"sha256": None}, "sha256 is empty"),
        (VIDEOS, VIDEO | {"split": "dev"}, "split 'dev' is unknown; allowed: train, validation, test"),
        (VIDEOS, VIDEO | {"path": "/data/a.mp4"}, "must lie inside the study folder"),
        (VIDEOS, VIDEO | {"path": "videos/../../a.mp4"}, "must lie inside the study folder"),
        (VIDEOS, VIDEO | {"frames": 0}, "frames is 0"),
        (
            QUESTIONS,
            QUESTION | {"answer": "maybe"},
            r"row 0 \(benchmark 'b', question_id 'a-0'\): answer 'maybe' is not among the options",
        ),
        (QUESTIONS, QUESTION | {"evidence": [[2.0, 1.0]]}, r"evidence \[2.0, 1.0\] is no \[start, end\]"),
        (QUESTIONS, QUESTION | {"evidence": [[2.0]]}, "is no"),
        (QUESTIONS, QUESTION | {"letter": "C"}, "letter 'C' names none of the 2 options"),
        (QUESTIONS, QUESTION | {"until": -1.0}, "until is -1.0, must not be below 0 seconds"),
    ],
)
def test_a_bad_row_is_refused_by_name(table: Table, row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        write_table(table, [row], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_repeated_id_is_refused_with_both_rows(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"row 2 \(video_id 'a'\): repeats row 0"):
        write_table(VIDEOS, [VIDEO, VIDEO | {"video_id": "b"}, VIDEO], tmp_path)


def test_a_refused_table_leaves_the_old_one(tmp_path: Path) -> None:
    write_table(VIDEOS, [VIDEO], tmp_path)
    with pytest.raises(TableError):
        write_table(VIDEOS, [VIDEO, VIDEO], tmp_path)
    assert read_rows(VIDEOS, tmp_path) == [VIDEO]


def test_reading_checks_what_somebody_else_wrote(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="build the dataset first"):
        read_rows(VIDEOS, tmp_path)
    VIDEOS.path(tmp_path).write_bytes(b"PAR1 not really")
    with pytest.raises(TableError, match="not a parquet file"):
        read_rows(VIDEOS, tmp_path)
    table = pa.Table.from_pylist([VIDEO])
    pq.write_table(table.drop_columns(["fps"]), VIDEOS.path(tmp_path))
    with pytest.raises(TableError, match="'fps' is missing"):
        read_rows(VIDEOS, tmp_path)
    pq.write_table(pa.Table.from_pylist([VIDEO | {"frames": "many"}]), VIDEOS.path(tmp_path))
    with pytest.raises(TableError, match="many"):
        read_rows(VIDEOS, tmp_path)
    pq.write_table(pa.Table.from_pylist([VIDEO, VIDEO]), VIDEOS.path(tmp_path))
    with pytest.raises(TableError, match="repeats row 0"):
        read_rows(VIDEOS, tmp_path)
