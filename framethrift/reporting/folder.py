"""The folder a report is written to: atomic files, and links that work from the file system."""

import os
import re
from pathlib import Path

from framethrift.files import replace_file


class ReportFolder:
    """A report's folder; every path given to it is relative to the folder, with '/' between parts.

    A closed one is kept `apart_from` the results it was made from: it names their files and leads to none.
    """

    def __init__(self, root: Path, *, apart_from: Path | None = None) -> None:
        self.root = root
        self.written: set[str] = set()
        self._results = apart_from

    @property
    def closed(self) -> bool:
        """Whether it is kept apart from the results."""
        return self._results is not None

    def path(self, name: str) -> Path:
        """Where `name` lies; its folder is made."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def write(self, name: str, content: str | bytes) -> Path:
        """Write `name` atomically and remember it as part of this report."""
        target = self.path(name)
        data = content.encode() if isinstance(content, str) else content
        replace_file(target, lambda path: path.write_bytes(data))
        self.written.add(name)
        return target

    def link(self, target: Path | str, page: str) -> str:
        """Relative address of `target` (a path, or a name in this folder) for use on `page`."""
        absolute = target if isinstance(target, Path) else self.root / target
        return Path(os.path.relpath(absolute, (self.root / page).parent)).as_posix()

    def source(self, file: Path, page: str) -> str | None:
        """Relative address of a result file for use on `page`; None in a closed folder."""
        return None if self.closed else self.link(file, page)

    def told(self, file: Path, page: str) -> str:
        """How `page` names a result file: its relative address; in a closed folder its place inside the results."""
        return self.link(file, page) if self._results is None else file.relative_to(self._results).as_posix()

    def remove_stale(self, subfolders: tuple[str, ...]) -> None:
        """Delete files of an earlier report in `subfolders` that this one did not write."""
        for subfolder in subfolders:
            for path in sorted((self.root / subfolder).rglob("*")):
                if path.is_file() and path.relative_to(self.root).as_posix() not in self.written:
                    path.unlink()


def slug(text: str) -> str:
    """Text as a file name: lower-case letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
