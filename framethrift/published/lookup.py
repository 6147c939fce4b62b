"""Where annotation files and videos of a published benchmark are on this machine: the data root, then the Hugging Face cache."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from framethrift.config.sources import AnnotationFiles, Source
from framethrift.published.annotations import LOADERS, Entry

ROOT_VARIABLE = "FRAMETHRIFT_DATA"
DEFAULT_ROOT = "data"


class AnnotationsMissing(FileNotFoundError):
    """No annotation files of a source are on this machine; the message says where they were looked for."""


@dataclass(frozen=True)
class Found:
    """Annotation files of one format."""

    format: AnnotationFiles
    files: tuple[Path, ...]

    def entries(self, benchmark: str) -> list[Entry]:
        """The benchmark's questions in these files; raises AnnotationError for malformed ones."""
        return list(LOADERS[self.format.form](self.files, benchmark))


def data_root(given: Path | str | None = None) -> Path:
    """`given`, or what FRAMETHRIFT_DATA says, or data/."""
    return Path(given or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)


@dataclass(frozen=True)
class Lookup:
    """Looks for a source's files below `root`/<folder>, in snapshots of the hub's cache, and where lmms-eval unpacks videos."""

    source: Source
    root: Path
    _folders: dict[Path, bool] = field(default_factory=dict, repr=False)

    @cached_property
    def hub_home(self) -> Path:
        """HF_HOME, where lmms-eval keeps videos."""
        return Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()

    @cached_property
    def folder(self) -> Path:
        """The source's folder below the data root."""
        return self.root / self.source.folder

    @cached_property
    def snapshots(self) -> tuple[Path, ...]:
        """Downloaded revisions of the hub repository. lmms-eval's sets moved from lmms-lab: both names are looked for."""
        if self.source.hub is None:
            return ()
        cache = Path(os.environ.get("HF_HUB_CACHE") or self.hub_home / "hub")
        names = [self.source.hub, self.source.hub.replace("lmms-eval/", "lmms-lab/")]
        found = []
        for repository in (cache / f"datasets--{name.replace('/', '--')}" for name in dict.fromkeys(names)):
            revision = repository / "refs" / self.source.revision
            if revision.is_file():
                found.append(repository / "snapshots" / revision.read_text(encoding="utf-8").strip())
        return tuple(folder for folder in found if folder.is_dir())

    def annotations(self) -> Found:
        """The first of the source's formats of which every file is there.

        Raises AnnotationsMissing naming the folders and file names that would do.
        """
        found = next(self.formats(self.source.annotations), None)
        if found is None:
            wanted = "; or ".join(", ".join(each.files) for each in self.source.annotations)
            places = ", ".join(str(place) for place in (self.folder, *self.snapshots))
            raise AnnotationsMissing(f"{self.source.title}: no annotation files in {places}; needed: {wanted}")
        return found

    def formats(self, wanted: Sequence[AnnotationFiles]) -> Iterator[Found]:
        """Those of the formats whose files are all in one place."""
        for each in wanted:
            for place in (self.folder, *self.snapshots):
                groups = [sorted(place.glob(pattern)) for pattern in each.files]
                if all(groups):
                    extra = [path for pattern in each.optional for path in sorted(place.glob(pattern))]
                    yield Found(each, tuple(path for group in groups for path in group) + tuple(extra))
                    break

    def video(self, entry: Entry) -> Path | None:
        """The file, or the folder of pictures, that an entry asks about."""
        below = [self.folder / folder for folder in self.source.videos]
        for place in (*below, *self.snapshots):
            if self._is_folder(place):
                for name in entry.places:
                    if self._is_folder((place / name).parent) and (place / name).exists():
                        return place / name
        media = self.hub_home / entry.media
        if self._is_folder(media.parent):
            return next((path for path in _respelled(media) if path.exists()), None)
        return None

    def support(self, entry: Entry) -> list[list[str]]:
        """[path below HF_HOME, file] of every further file of the entry that is there (subtitles)."""
        found = []
        for name in entry.support:
            inner = name.removeprefix(f"{self.source.cache}/")
            places = (self.folder / inner, *(place / inner for place in self.snapshots), self.hub_home / name)
            path = next((place for place in places if place.is_file()), None)
            if path is not None:
                found.append([name, str(path.resolve())])
        return found

    def _is_folder(self, path: Path) -> bool:
        # Thousands of videos share few folders.
        if path not in self._folders:
            self._folders[path] = path.is_dir()
        return self._folders[path]


def _respelled(media: Path) -> list[Path]:
    return [media, *(media.with_suffix(suffix) for suffix in (".mp4", ".MP4", ".mkv", ".webm", ".avi"))]
