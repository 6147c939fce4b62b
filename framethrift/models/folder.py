"""Model folders: what lies in them, proven by a manifest that is written last."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framethrift.files import file_digest, write_text

MANIFEST = "framethrift.json"


class ModelFolderError(ValueError):
    """A model folder that is incomplete, damaged or not one model."""


def write_manifest(
    folder: Path, *, kind: str, variant: str, seed: int, settings: str, extra: dict[str, Any] | None = None
) -> None:
    """Write `framethrift.json` (atomically): size and SHA-256 of every file in `folder`, and what the model is.

    `settings` is a digest of the settings that decide the model.
    """
    files = {
        str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": file_digest(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    manifest = {"kind": kind, "variant": variant, "seed": seed, "settings": settings, "extra": extra or {}, "files": files}
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


@contextmanager
def exported(
    folder: Path, *, kind: str, variant: str, seed: int, settings: str, extra: dict[str, Any] | None = None
) -> Iterator[Path]:
    """A temporary folder to save a model in; on success it gets its manifest and replaces `folder`, on an error it vanishes."""
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        write_manifest(temporary, kind=kind, variant=variant, seed=seed, settings=settings, extra=extra)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def verify(folder: Path, *, digests: bool = True) -> dict[str, Any]:
    """The manifest of a model folder whose files all have the size and (`digests`: slow for big weights) digest it states.

    Raises ModelFolderError naming the first file that is missing or differs.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelFolderError(f"{path} is missing: the folder is no finished model; train it again")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ModelFolderError(f"{path} is not valid JSON ({error}); train the model again") from error
    for name, facts in manifest["files"].items():
        file = folder / name
        if not file.is_file():
            raise ModelFolderError(f"{file} is missing, though {MANIFEST} lists it; train the model again")
        size = file.stat().st_size
        if size != facts["size"]:
            raise ModelFolderError(f"{file} has {size} bytes, {MANIFEST} says {facts['size']}; train the model again")
        if digests and file_digest(file) != facts["sha256"]:
            raise ModelFolderError(f"{file} does not have the SHA-256 that {MANIFEST} states; train the model again")
    return manifest


def resolve(path: Path | str) -> Path:
    """The model folder meant by `path`: itself, or its only seed folder (`results/mini/models/cope` → `…/cope/seed0`).

    Raises ModelFolderError when there is none, or several to choose from.
    """
    folder = Path(path)
    if (folder / MANIFEST).is_file():
        return folder
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} does not exist; give a model folder such as results/<study>/models/<variant>")
    seeds = sorted(manifest.parent for manifest in folder.glob(f"seed*/{MANIFEST}"))
    if len(seeds) == 1:
        return seeds[0]
    if seeds:
        raise ModelFolderError(f"{folder} holds several seeds; choose one of {[str(seed) for seed in seeds]}")
    raise ModelFolderError(f"{folder} holds no finished model (no {MANIFEST}); train it first")
