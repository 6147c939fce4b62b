"""Files that appear complete or not at all."""

import os
from collections.abc import Callable
from pathlib import Path


def partial_path(target: Path) -> Path:
    """A temporary name in the target's folder, with its suffix."""
    return target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")


def replace_file(target: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, then give it the target's name; on an error nothing is left behind."""
    partial = partial_path(target)
    try:
        write(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
