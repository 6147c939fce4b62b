"""The big files of a study against what its manifests, tables and records say: weights, videos, checkpoints, tracking."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from framethrift.config.layout import Layout
from framethrift.files import file_digest
from framethrift.integrity.findings import Finding
from framethrift.models.folder import MANIFEST, ModelFolderError, verify
from framethrift.tracking.spool import read_events


def model_findings(layout: Layout, quick: bool) -> Iterator[Finding]:
    """Model folders that are not what their manifest says."""
    for manifest in sorted((layout.root / "models").rglob(MANIFEST)):
        if any(part.startswith(".") for part in manifest.relative_to(layout.root).parts):
            continue
        try:
            verify(manifest.parent, digests=not quick)
        except ModelFolderError as error:
            yield Finding.remade(manifest.parent, str(error), output=manifest)


def video_findings(layout: Layout, quick: bool) -> Iterator[Finding]:
    """Source videos and re-encoded videos that are not what their tables say."""
    for table in sorted((layout.root / "videos").glob("*/videos.parquet")):
        for row in _rows(table, ["path", "sha256"]):
            file = layout.root / row["path"]
            if not file.is_file():
                yield Finding.remade(file, f"is gone, or the link to it is broken; {table} lists it", output=table)
            elif not quick and file_digest(file) != row["sha256"]:
                yield Finding.remade(file, f"does not have the SHA-256 that {table} states", output=table)
    for table in sorted((layout.root / "codec").glob("*/videos.parquet")):
        for row in _rows(table, ["path", "stream_digest"]):
            file = layout.root / row["path"]
            if not file.is_file():
                yield Finding.remade(file, f"is gone; {table} lists it", output=table)
            elif not quick and (problem := _stream_problem(file, row["stream_digest"])):
                yield Finding.remade(file, f"{problem}; {table} states another stream", output=table, beside=[file])


def checkpoint_findings(layout: Layout) -> Iterator[Finding]:
    """Checkpoints whose archive is damaged; training would pass over them."""
    for path in sorted((layout.root / "checkpoints").rglob("*.ckpt")):
        problem = _archive_problem(path)
        if problem:
            yield Finding(str(path), f"is a damaged checkpoint ({problem})", remove=(str(path),))


def tracking_findings(layout: Layout) -> Iterator[Finding]:
    """Local records of runs that cannot be read, and a damaged MLflow database, which is made again from the records."""
    for path in sorted((layout.tracking / "spool").rglob("*.jsonl")):
        try:
            read_events(path)
        except ValueError as error:
            yield Finding(str(path), f"is a damaged record of a run ({error})", remove=(str(path),))
    database = layout.tracking / "mlflow.db"
    if database.is_file() and (problem := _database_problem(database)):
        yield Finding(str(database), f"is a damaged MLflow database ({problem})", remove=(str(database),))


def _rows(table: Path, columns: list[str]) -> list[dict[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(table, columns=columns).to_pylist()
    except (pa.ArrowException, OSError):  # its receipt says so already
        return []


def _stream_problem(file: Path, digest: str) -> str | None:
    from framethrift.codec import VideoRejected, stream_digest

    try:
        return None if stream_digest(file) == digest else "was changed"
    except VideoRejected as error:
        return f"cannot be read ({error.reason})"


def _archive_problem(path: Path) -> str | None:
    """What is wrong with a checkpoint, a zip archive with a checksum per entry; nothing in it is executed."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
        return str(error)
    return f"the checksum of {bad} is wrong" if bad else None


def _database_problem(path: Path) -> str | None:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (answer,) = database.execute("pragma quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if answer == "ok" else str(answer)
