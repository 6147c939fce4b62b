"""Unpacking downloaded archives so that nothing lands outside the folder it is meant for."""

import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")


class BadArchive(ValueError):
    """An archive that is damaged or wants to write where it must not; nothing of it was unpacked."""


def archives_in(names: Sequence[str]) -> dict[str, list[str]]:
    """Archives among file names, each with its files in order: one, or the parts of a split one (x.tar.partaa, x.tar.partab)."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        whole, separator, _ = name.rpartition(".part")
        archive = whole if separator else name
        if archive.endswith(_ARCHIVES):
            found.setdefault(archive, []).append(name)
    return found


def unpack(parts: Sequence[Path], folder: Path) -> int:
    """Unpack an archive, given as its parts in order, into `folder`; existing files are replaced. Returns the number of files.

    Everything is unpacked beside the folder first, so that a broken archive changes nothing. Raises BadArchive for a damaged
    archive, for members with absolute paths or "..", and for links and devices.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as scratch, _opened(parts) as file:
        try:
            members = list(_members(file, Path(scratch)))
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise BadArchive(f"{parts[0]}: damaged archive: {error}") from error
        for member in members:
            target = folder / member
            target.parent.mkdir(parents=True, exist_ok=True)
            (Path(scratch) / member).replace(target)
    return len(members)


def _members(file: IO[bytes], scratch: Path) -> Iterator[PurePosixPath]:
    """Write every file of the archive below `scratch`; its path."""
    name = str(getattr(file, "name", ""))
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                kind = stat.S_IFMT(entry.external_attr >> 16)
                if not entry.is_dir():
                    with archive.open(entry) as content:
                        yield _written(name, entry.filename, kind in (0, stat.S_IFREG), content, scratch)
        return
    file.seek(0)
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            if not member.isdir():
                yield _written(
                    name, member.name, member.isreg(), archive.extractfile(member) if member.isreg() else None, scratch
                )


def _written(archive: str, name: str, regular: bool, content: IO[bytes] | None, scratch: Path) -> PurePosixPath:
    # Windows' separators would be part of a name here, and separators again elsewhere.
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.name or ":" in path.parts[0]:
        raise BadArchive(f"{archive}: member {name!r} would be written outside the folder; nothing was unpacked")
    if not regular or content is None:
        raise BadArchive(f"{archive}: member {name!r} is a link or a device; nothing was unpacked")
    target = scratch / path
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        shutil.copyfileobj(content, out, 1 << 22)
    return path


def _opened(parts: Sequence[Path]) -> Any:
    """The archive as one seekable file; the parts of a split one are joined in a temporary file."""
    if len(parts) == 1:
        return parts[0].open("rb")
    joined = tempfile.NamedTemporaryFile(dir=parts[0].parent, prefix=".joined-")  # noqa: SIM115 - the caller closes it
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, joined, 1 << 22)
    joined.seek(0)
    return joined
