"""Files that appear complete or not at all, and the digest of a file's content."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def partial_path(target: Path) -> Path:
    """A temporary name in the target's folder, with its suffix."""
    return target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")


def replace_file(target: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, then give it the target's name; on an error nothing is left behind."""
    _replace(target, partial_path(target), write)


def write_text(target: Path, text: str) -> None:
    """Write a text file atomically, in a folder that is made where it is missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without the suffix: whoever lists a folder's .json or .jsonl meets no half-written one.
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    _replace(target, partial, lambda path: path.write_text(text, encoding="utf-8"))


def write_json(target: Path, content: Any) -> None:
    """Write JSON as `write_text` does."""
    write_text(target, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def file_digest(path: str | Path) -> str:
    """SHA-256 of a whole file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(target: Path, partial: Path, write: Callable[[Path], object]) -> None:
    try:
        write(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
