"""The codec stage of a study: every video of a data set, re-encoded to the recipe."""

import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from framethrift.codec.encode import reencode
from framethrift.codec.encoded import Encoded, recipe_digest
from framethrift.codec.errors import VideoRejected
from framethrift.codec.index import stream_digest
from framethrift.codec.keep import KEPT
from framethrift.codec.writer import encoder_name
from framethrift.config.recipe import Recipe
from framethrift.files import file_digest, replace_file

MANIFEST_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("dataset", pa.string()),
        ("split", pa.string()),
        ("path", pa.string()),
        ("frames", pa.int64()),
        ("fps", pa.float64()),
        ("gop", pa.int64()),
        ("window", pa.int64()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("duration", pa.float64()),
        ("keyframes", pa.list_(pa.int64())),
        ("stream_digest", pa.string()),
        ("recipe_digest", pa.string()),
        ("source_sha256", pa.string()),
        ("encoder", pa.string()),
        ("b_frames", pa.bool_()),
    ]
)
QUARANTINE_SCHEMA = pa.schema([(name, pa.string()) for name in ("video_id", "path", "reason", "detail")])

Row = dict[str, Any]


class NoUsableVideo(RuntimeError):
    """Every video of a data set was rejected."""


def _still_valid(sidecar: Path, target: Path, recipe: Recipe, source_sha256: str) -> Encoded | None:
    """What the sidecar says, if the source, the recipe, the encoder and the re-encoded file are all as it says."""
    if not sidecar.is_file() or not target.is_file():
        return None
    try:
        encoded = Encoded(**json.loads(sidecar.read_text()) | {"path": target, "window": recipe.window})
        writer = KEPT if encoded.encoder == KEPT and recipe.keep_source else encoder_name(recipe)
        current = (recipe_digest(recipe), writer, source_sha256, stream_digest(target))
    except (json.JSONDecodeError, TypeError, VideoRejected):
        return None
    recorded = (encoded.recipe_digest, encoded.encoder, encoded.source_sha256, encoded.stream_digest)
    return encoded if recorded == current else None


def _encode_one(study_dir: Path, target_dir: Path, recipe: Recipe, video: Row) -> tuple[Row | None, Row | None]:
    """One video's manifest row, or its quarantine row."""
    source = study_dir / video["path"]
    target = target_dir / f"{video['video_id']}.mp4"
    sidecar = target.with_suffix(".json")
    try:
        if not source.is_file():
            raise VideoRejected(source, "missing", "there is no such file")
        sha256 = file_digest(source)
        if video["sha256"] and sha256 != video["sha256"]:
            raise VideoRejected(source, "digest_mismatch", f"the file changed since the video table was made ({sha256[:12]})")
        encoded = _still_valid(sidecar, target, recipe, sha256)
        if encoded is None:
            sidecar.unlink(missing_ok=True)
            encoded = reencode(source, target, recipe)
            text = json.dumps(asdict(encoded) | {"path": target.name}, indent=1)
            replace_file(sidecar, lambda path: path.write_text(text))
    except VideoRejected as rejected:
        return None, {
            "video_id": video["video_id"],
            "path": video["path"],
            "reason": rejected.reason,
            "detail": rejected.detail,
        }
    row = asdict(encoded) | {name: video[name] for name in ("video_id", "dataset", "split")}
    row["path"] = target.relative_to(study_dir).as_posix()
    return row, None


def _results(work: Callable[[Row], tuple[Row | None, Row | None]], videos: list[Row], jobs: int) -> Iterator[Any]:
    if jobs == 1:
        yield from map(work, videos)
        return
    chunk = max(1, min(16, len(videos) // (4 * jobs)))
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, videos, chunksize=chunk)


def encode_dataset(
    study_dir: str | Path,
    dataset: str,
    recipe: Recipe,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, Path]:
    """Re-encode ``videos/<dataset>/videos.parquet`` into ``codec/<dataset>/``.

    Writes ``<video_id>.mp4`` with a sidecar ``<video_id>.json`` (what was encoded, from what, how), then ``videos.parquet`` (the
    codec manifest) and ``quarantine.parquet`` (rejected videos with their reason; empty if none). Stopped at any moment and
    started again, it redoes only what is not finished, or no longer matches its source, the recipe, or its own digest.

    Args:
        study_dir: the study's results folder.
        dataset: name of the data set.
        recipe: what to encode to.
        jobs: processes; each decodes and encodes with one thread.
        progress: called with (videos done, videos in all) after each video.

    Returns:
        Paths of the manifest and of the quarantine table.

    Raises:
        NoUsableVideo: all videos were rejected (the quarantine table is written all the same).
        FileNotFoundError: there is no video table.
    """
    study_dir = Path(study_dir)
    table = study_dir / "videos" / dataset / "videos.parquet"
    if not table.is_file():
        raise FileNotFoundError(f"{table}: no video table; build the data set {dataset!r} first")
    videos = pq.read_table(table, columns=["video_id", "dataset", "split", "path", "sha256"]).to_pylist()
    target_dir = study_dir / "codec" / dataset
    target_dir.mkdir(parents=True, exist_ok=True)
    for leftover in target_dir.glob(".*.partial*"):
        leftover.unlink()
    manifest: list[Row] = []
    quarantine: list[Row] = []
    for done, (row, rejected) in enumerate(_results(partial(_encode_one, study_dir, target_dir, recipe), videos, jobs), start=1):
        if row is not None:
            manifest.append(row)
        if rejected is not None:
            quarantine.append(rejected)
        if progress is not None:
            progress(done, len(videos))
    quarantine_path = target_dir / "quarantine.parquet"
    manifest_path = target_dir / "videos.parquet"
    rejected_table = pa.Table.from_pylist(quarantine, schema=QUARANTINE_SCHEMA)
    replace_file(quarantine_path, lambda path: pq.write_table(rejected_table, path))
    if not manifest:
        reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(row["reason"] for row in quarantine).most_common())
        raise NoUsableVideo(
            f"{table}: no usable video among {len(videos)} ({reasons or 'the table is empty'}); see {quarantine_path}"
        )
    encoded_table = pa.Table.from_pylist(manifest, schema=MANIFEST_SCHEMA)
    replace_file(manifest_path, lambda path: pq.write_table(encoded_table, path))
    return manifest_path, quarantine_path
