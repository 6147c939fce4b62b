"""Takes a published benchmark into a study: its questions, whole, and the videos that are there."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framethrift.config.benchmarks import Benchmark, load_benchmarks
from framethrift.config.data import Published
from framethrift.config.sources import load_sources
from framethrift.published.annotations import AnnotationError, Entry
from framethrift.published.lookup import Lookup
from framethrift.videos.ingest import Admitted, Candidate, NoUsableVideo, admit_all, reasons, safe_id
from framethrift.videos.parallel import Progress

Row = dict[str, Any]


class Shortfall(ValueError):
    """A published benchmark is not whole; names what is expected and found, and the setting that allows it."""


def ingest_benchmarks(
    settings: Published, dataset: str, study_dir: Path, jobs: int, progress: Progress | None, root: Path, allow_partial: bool
) -> tuple[Admitted, list[Row]]:
    """Link the videos of a source below videos/<dataset>/source; return their rows and those of every benchmark's questions.

    Missing and bad videos are quarantined; their questions stay in the table and are counted when they are asked.

    Raises AnnotationsMissing, AnnotationError, NoUsableVideo when no video can be used, and Shortfall when the number of
    questions or videos is not the registry's, or a video is missing, unless `allow_partial`.
    """
    source = load_sources()[settings.source]
    lookup = Lookup(source, root)
    annotations = lookup.annotations()
    asked = {
        name: annotations.entries(name) for name, benchmark in load_benchmarks().items() if benchmark.data == settings.source
    }
    files: dict[str, Path | None] = {}
    rows: list[Row] = []
    for benchmark, entries in asked.items():
        check_unique(entries, annotations.files)
        for entry in entries:
            located = lookup.video(entry)
            shown = str(located) if located is not None else f"{source.folder}/{entry.places[0]}"
            files.setdefault(shown, located)
            rows.append(
                question_row(entry, benchmark, dataset, safe_id(shown), lookup, cut=located is not None and _is_cut(located))
            )
    if not allow_partial:
        for benchmark, entries in asked.items():
            check_counts(benchmark, load_benchmarks()[benchmark], entries)
    candidates = [
        Candidate(located or Path(shown), shown, safe_id(shown), dataset, "test", study_dir, source.frame_rate)
        for shown, located in sorted(files.items())
    ]
    admitted = admit_all(candidates, jobs, progress, copies=True)
    if not admitted.videos:
        raise NoUsableVideo(f"{source.title}: not one of {len(candidates)} videos can be used: {reasons(admitted.quarantine)}")
    if admitted.quarantine and not allow_partial:
        raise Shortfall(
            f"{source.title}: {len(admitted.quarantine)} of {len(candidates)} videos cannot be used: "
            f"{reasons(admitted.quarantine)}; complete them, or set allow_partial: true, which every table will mark"
        )
    return admitted, rows


def check_counts(name: str, benchmark: Benchmark, entries: Sequence[Entry]) -> None:
    """Raise Shortfall unless the questions and the videos they name are as many as the registry expects."""
    found = {"questions": count_documents(entries), "videos": len({entry.video for entry in entries})}
    for what, count in found.items():
        expected = getattr(benchmark, what)
        if expected is not None and count != expected:
            raise Shortfall(
                f"benchmark {name}: {count} {what}, the registry expects {expected}; complete the annotation files, "
                "or set allow_partial: true, which every table will mark"
            )


def count_documents(entries: Sequence[Entry]) -> int:
    """Questions as the benchmark counts them: the rounds of one document are one."""
    return len({entry.document_id or entry.question_id for entry in entries})


def check_unique(entries: Sequence[Entry], files: Sequence[Path]) -> None:
    """Raise AnnotationError when two questions have one id."""
    seen: set[str] = set()
    for entry in entries:
        if entry.question_id in seen:
            raise AnnotationError(f"{files[0]}: question_id {entry.question_id!r} occurs twice; the file repeats a question")
        seen.add(entry.question_id)


def _is_cut(path: Path) -> bool:
    """Whether a file is a segment that was cut out already, as the hub's revision `video` of MVBench has them."""
    return any(part.endswith("_segment") for part in path.parts)


def question_row(entry: Entry, benchmark: str, dataset: str, video_id: str, lookup: Lookup, cut: bool) -> Row:
    """Row of the question table; `cut`: the file is the clip itself, so that start and end do not apply."""
    return {
        "question_id": entry.question_id,
        "video_id": video_id,
        "dataset": dataset,
        "split": "test",
        "benchmark": benchmark,
        "type": entry.type,
        "question": entry.question,
        "answer": entry.answer,
        "options": list(entry.options),
        "evidence": [],
        "queries": [],
        "cluster": entry.video,
        "letter": entry.letter,
        "answers": list(entry.answers),
        "part": entry.part,
        "task": entry.task,
        "document": json.dumps(entry.document, ensure_ascii=False),
        "document_id": entry.document_id or entry.question_id,
        "round": entry.round,
        "media": entry.media,
        "support": lookup.support(entry),
        "until": entry.until,
        "start": None if cut else entry.start,
        "end": None if cut else entry.end,
    }
