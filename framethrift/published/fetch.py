"""Downloading a published dataset from the hub: resumed where it stopped, checked against the hub's digests, then unpacked."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import httpx2
from filelock import FileLock
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from framethrift.config.sources import Source
from framethrift.files import write_json
from framethrift.published.unpack import archives_in, unpack

RECORD = ".framethrift-fetched.json"
# Of the hub, of the network, and of a file that did not come whole.
REFUSALS = (HfHubHTTPError, OfflineModeIsEnabled, httpx2.HTTPError, OSError, ValueError)


class FetchError(RuntimeError):
    """Data that could not be fetched; says why and what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a hub repository: SHA-256 of its content, or the SHA-1 that git gives it where it is stored in git itself."""

    name: str
    size: int
    sha256: str | None
    git_sha1: str | None

    def matches(self, path: Path) -> bool:
        """Whether a file on this machine is this one."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.sha256 is None and self.git_sha1 is None:
            return True  # the hub gives no digest: the size is all that can be compared
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
        return digest.hexdigest() == (self.sha256 or self.git_sha1)


def fetch(source: Source, root: Path, say: Callable[[str], None]) -> list[Path]:
    """Download a source's files to `root`/<folder> and unpack its archives into the folder of videos; the files' paths.

    A file that is there and has the right digest is not downloaded again; a download that was cut goes on where it stopped.
    What was unpacked is recorded, and unpacked again only when an archive changed. `say` is told of every step.

    Raises FetchError when the source is on no hub, or the hub refuses, is not reachable or sends something else than it
    promises; BadArchive for an archive that cannot be unpacked safely.
    """
    if source.hub is None:
        raise FetchError(f"{source.title} cannot be downloaded here; see {source.page} ({source.gate or source.licence})")
    folder = root / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".framethrift-fetch.lock"):
        return _fetched(source, folder, say)


def _fetched(source: Source, folder: Path, say: Callable[[str], None]) -> list[Path]:
    commit, files = _listed(source)
    done = _recorded(folder)
    say(f"{source.title}: {len(files)} files, {sum(file.size for file in files) / 1e9:.2f} GB, from {source.hub}")
    say(f"licence: {source.licence}" + (f"; gate: {source.gate}" if source.gate else ""))
    for number, file in enumerate(files):
        if done["files"].get(file.name) != _mark(file) or not _present(folder / file.name, file):
            _download(source, commit, file, folder)
            done["files"][file.name] = _mark(file)
            _record(folder, {**done, "repository": source.hub, "commit": commit})
        say(f"{number + 1}/{len(files)} {file.name}")
    by_name = {file.name: file for file in files}
    for archive, parts in archives_in(list(by_name)).items():
        marks = [_mark(by_name[part]) for part in parts]
        if done["unpacked"].get(archive) != marks:
            count = unpack([folder / part for part in parts], folder / source.videos[0])
            done["unpacked"][archive] = marks
            _record(folder, {**done, "repository": source.hub, "commit": commit})
            say(f"unpacked {count} files of {archive}")
    return [folder / file.name for file in files]


def _listed(source: Source) -> tuple[str, list[RemoteFile]]:
    try:
        info = HfApi().dataset_info(str(source.hub), revision=source.revision, files_metadata=True)
    except REFUSALS as error:
        raise _refused(source, error) from error
    files = []
    for sibling in info.siblings or []:
        if not source.fetch or any(fnmatch(sibling.rfilename, pattern) for pattern in source.fetch):
            sha256 = sibling.lfs.sha256 if sibling.lfs else None
            files.append(RemoteFile(sibling.rfilename, sibling.size or 0, sha256, None if sha256 else sibling.blob_id))
    if not files:
        raise FetchError(
            f"{source.hub}: revision {source.revision!r} has no file like {source.fetch}; has the repository changed?"
        )
    return str(info.sha), files


def _download(source: Source, commit: str, file: RemoteFile, folder: Path) -> None:
    target = folder / file.name
    if not target.resolve().is_relative_to(folder.resolve()):
        raise FetchError(f"{source.hub}: file name {file.name!r} lies outside the folder")
    if file.matches(target):
        return
    # Named by the content: a file that changed on the hub does not go on from the old one's beginning.
    digest = file.sha256 or file.git_sha1 or "unverified"
    partial = target.with_name(f".{target.name}.{digest[:12]}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        # hf_hub_download throws away what it has when it fails; these files take hours.
        with partial.open("ab") as out:
            if out.tell() < file.size:
                url = hf_hub_url(str(source.hub), file.name, repo_type="dataset", revision=commit)
                headers = build_hf_headers()
                http_get(url, out, resume_size=out.tell(), headers=headers, expected_size=file.size, displayed_filename=file.name)
    except REFUSALS as error:
        raise _refused(source, error) from error
    if file.matches(partial):
        partial.replace(target)
    else:
        partial.unlink()
        raise FetchError(
            f"{target}: what {source.hub} sent has not the digest it promises; it was deleted, run the command again"
        )


def _refused(source: Source, error: Exception) -> FetchError:
    if isinstance(error, GatedRepoError):
        why = f"agree to its terms at {source.page} and log in with `hf auth login` ({source.gate or 'gated'})"
    elif isinstance(error, OfflineModeIsEnabled):
        why = "HF_HUB_OFFLINE is set; unset it where the network allows"
    else:
        why = (
            f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}; run it again to go on where it stopped"
        )
    return FetchError(f"{source.title} ({source.hub}): {why}")


def _present(path: Path, file: RemoteFile) -> bool:
    """Cheap check of a file that was verified when it was recorded."""
    return path.is_file() and path.stat().st_size == file.size


def _mark(file: RemoteFile) -> list[Any]:
    return [file.size, file.sha256 or file.git_sha1]


def _recorded(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {"files": found.get("files", {}), "unpacked": found.get("unpacked", {})}


def _record(folder: Path, content: dict[str, Any]) -> None:
    write_json(folder / RECORD, content)
