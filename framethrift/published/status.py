"""What of a study's published data is on this machine: questions, videos, sizes, licences, gates."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from framethrift.config import Study
from framethrift.config.benchmarks import Benchmark, load_benchmarks
from framethrift.config.data import LongVideoQA, Official, Published
from framethrift.config.sources import AnnotationFiles, Source, load_sources
from framethrift.published.annotations import AnnotationError, Entry
from framethrift.published.lookup import AnnotationsMissing, Lookup

NAMED = 3  # missing files that are named


@dataclass(frozen=True)
class Count:
    """Questions and videos that annotation files name, and those that are expected (None: not verified)."""

    what: str
    questions: int
    expected_questions: int | None
    videos: int
    expected_videos: int | None

    @property
    def whole(self) -> bool:
        """Whether both numbers are the expected ones."""
        return self.questions == (self.expected_questions or self.questions) and self.videos == (
            self.expected_videos or self.videos
        )


@dataclass
class DataState:
    """One dataset of a study. `problem` says why its annotations cannot be used; "" when they can."""

    dataset: str
    title: str
    kind: str
    licence: str
    gate: str | None
    page: str
    annotations: list[str] = field(default_factory=list)
    problem: str = ""
    counts: list[Count] = field(default_factory=list)
    copies: list[Count] = field(default_factory=list)
    videos_needed: int | None = None
    videos_found: int = 0
    videos_bytes: int = 0
    videos_missing: list[str] = field(default_factory=list)
    published_gigabytes: float | None = None

    @property
    def ready(self) -> bool:
        """Whether the dataset can be used whole."""
        enough = self.videos_found > 0 if self.videos_needed is None else self.videos_found == self.videos_needed
        return not self.problem and enough and all(count.whole for count in self.counts)

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {**asdict(self), "ready": self.ready}


def data_states(study: Study, root: Path) -> Iterator[DataState]:
    """The state of every published dataset of a study, one after another, in the order of its file."""
    for name, dataset in study.datasets.items():
        if isinstance(dataset, Published):
            yield _benchmarks(name, load_sources()[dataset.source], dataset.source, root)
        elif isinstance(dataset, Official | LongVideoQA):
            yield _training(name, dataset)


def _benchmarks(dataset: str, source: Source, key: str, root: Path) -> DataState:
    asking = {name: benchmark for name, benchmark in load_benchmarks().items() if benchmark.data == key}
    facts = (source.licence, source.gate, source.page)
    state = DataState(dataset, source.title, "benchmark", *facts, published_gigabytes=source.gigabytes)
    lookup = Lookup(source, root)
    try:
        for copy in lookup.formats(source.copies):
            state.copies.append(_counted(", ".join(copy.format.files), copy.entries(key), copy.format))
        found = lookup.annotations()
        state.annotations = [str(path) for path in found.files]
        files: dict[str, Path | None] = {}
        for name, benchmark in asking.items():
            entries = found.entries(name)
            state.counts.append(_counted(name, entries, benchmark))
            for entry in entries:
                path = lookup.video(entry)
                files.setdefault(entry.video if path is None else str(path), path)
    except (AnnotationsMissing, AnnotationError) as error:
        state.problem = str(error)
        return state
    missing = sorted(name for name, path in files.items() if path is None)
    located = [path for path in files.values() if path is not None]
    state.videos_needed, state.videos_found, state.videos_missing = len(files), len(located), missing[:NAMED]
    state.videos_bytes = sum(_size(path) for path in located)
    return state


def _counted(what: str, entries: Sequence[Entry], expected: Benchmark | AnnotationFiles) -> Count:
    documents = len({entry.document_id or entry.question_id for entry in entries})
    videos = len({entry.video for entry in entries if entry.video})
    return Count(what, documents, expected.questions, videos, expected.videos)


def _training(name: str, dataset: Official | LongVideoQA) -> DataState:
    source = load_sources().get(name)
    gate, page = (source.gate, source.page) if source else (None, "")
    state = DataState(name, source.title if source else name, "training", dataset.licence, gate, page)
    listing, folder = Path(dataset.listing if isinstance(dataset, Official) else dataset.captions), Path(dataset.folder)
    if listing.is_file():
        state.annotations = [str(listing)]
    else:
        state.problem = f"{listing}: no such file with annotations"
    for path in _files(folder):
        state.videos_found += 1
        state.videos_bytes += path.stat().st_size
    if not state.videos_found:
        state.videos_missing = [str(folder)]
    return state


def _size(path: Path) -> int:
    return sum(inner.stat().st_size for inner in _files(path)) if path.is_dir() else path.stat().st_size


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if not name.startswith("."))


def describe(state: DataState) -> str:
    """A state in a few lines for a terminal."""
    mark = "ready" if state.ready else "missing" if not state.annotations else "incomplete"
    lines = [f"{state.dataset:<16} {mark:<10} {state.title}"]
    if state.problem:
        lines.append(f"  annotations  {state.problem}")
    for count in state.counts:
        lines.append(f"  {count.what}: {_of(count.questions, count.expected_questions, 'questions')}, "
                     f"{_of(count.videos, count.expected_videos, 'videos')}")  # fmt: skip
    for count in state.copies:
        lines.append(f"  also there: {count.what}, {_of(count.questions, count.expected_questions, 'questions')}")
    if state.videos_needed is not None or state.kind == "training":
        needed = "" if state.videos_needed is None else f" of {state.videos_needed:,}"
        absent = f"; missing: {', '.join(state.videos_missing)}" if state.videos_missing else ""
        lines.append(f"  video files   {state.videos_found:,}{needed}, {state.videos_bytes / 1e9:.2f} GB here{absent}")
    if state.published_gigabytes:
        lines.append(f"  to download   {state.published_gigabytes:g} GB of videos")
    lines.append(f"  licence       {state.licence}")
    if state.gate:
        lines.append(f"  gate          {state.gate}")
    return "\n".join([*lines, f"  page          {state.page}"])


def _of(found: int, expected: int | None, what: str) -> str:
    if expected is None:
        return f"{found:,} {what} (number not verified)"
    return f"{found:,} {what}" if found == expected else f"{found:,} of {expected:,} {what}"
