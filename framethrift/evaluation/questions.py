"""The questions of a benchmark and the re-encoded videos they are about, as a study's tables hold them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from framethrift.codec import Encoded
from framethrift.config import Layout, Study
from framethrift.config.benchmarks import Benchmark, datasets_of, load_benchmarks
from framethrift.files import file_digest
from framethrift.tokens import Slots, fixed_slots
from framethrift.videos.benchmarks import Shortfall

_TEXTS = ("cluster", "letter", "part", "task", "document", "document_id", "media")


class NoQuestions(ValueError):
    """A cell asks for questions that the study's folder does not hold."""


@dataclass(frozen=True)
class Question:
    """One question. `options` are texts in order (none for open answers); `evidence` are [start, end] seconds where it shows.

    The fields with defaults are for published benchmarks; framethrift.videos.tables.QUESTIONS says what each of them means.
    """

    question_id: str
    video_id: str
    benchmark: str
    type: str
    question: str
    answer: str
    options: tuple[str, ...]
    evidence: tuple[tuple[float, float], ...]
    cluster: str = ""
    letter: str = ""
    answers: tuple[str, ...] = ()
    part: str = ""
    task: str = ""
    document: str = ""
    document_id: str = ""
    round: int = 0
    media: str = ""
    support: tuple[tuple[str, str], ...] = ()
    until: float | None = None
    start: float | None = None
    end: float | None = None

    @property
    def doc(self) -> dict[str, Any]:
        """The document as the lmms-eval task reads it."""
        return json.loads(self.document)

    @property
    def asked_about(self) -> str:
        """What the benchmark counts as one video: the unit of the bootstrap."""
        return self.cluster or self.video_id


@dataclass(frozen=True)
class EncodedVideo:
    """A video as a recipe wants it: `keyframes` are frame numbers where GOPs start; `dataset` is "" for a video of no study."""

    video_id: str
    dataset: str
    path: Path
    fps: float
    window: int
    frames: int
    keyframes: tuple[int, ...]
    stream_digest: str
    b_frames: bool = False

    @classmethod
    def of(cls, video_id: str, encoded: Encoded) -> "EncodedVideo":
        """From what re-encoding returned."""
        facts = (encoded.path, encoded.fps, encoded.window, encoded.frames, tuple(encoded.keyframes), encoded.stream_digest)
        return cls(video_id, "", *facts, encoded.b_frames)

    def slots(self, window: int | None = None) -> Slots:
        """Where slots stand under fixed fusion at `window` frames, None: the recipe's; nothing is read."""
        return fixed_slots(self.keyframes, self.frames, self.fps, window or self.window)


@dataclass(frozen=True)
class Asked:
    """A benchmark's questions about one split.

    `videos` are those that can be shown; `donors` names, per video, the one whose Δ-tokens `delta: swap` takes; `missing` gives
    the reason for every video with questions that has no re-encoded file. `digests` identify the tables that were read.
    """

    questions: tuple[Question, ...]
    videos: dict[str, EncodedVideo]
    donors: dict[str, EncodedVideo]
    missing: dict[str, str]
    digests: dict[str, str]
    expected: Benchmark | None = None

    @property
    def coverage(self) -> dict[str, int | bool | None]:
        """Numbers of questions (rounds of one document count once) and videos, those that the registry expects (None: unknown)
        and those that can be asked, and whether the benchmark is `partial`."""
        asked = self.present
        counts: dict[str, int | bool | None] = {
            "expected_questions": self.expected.questions if self.expected else None,
            "found_questions": len({question.document_id or question.question_id for question in asked}),
            "expected_videos": self.expected.videos if self.expected else None,
            "found_videos": len({question.asked_about for question in asked}),
        }
        short = any(counts[f"expected_{what}"] not in (None, counts[f"found_{what}"]) for what in ("questions", "videos"))
        return {**counts, "partial": bool(self.missing) or short}

    @property
    def present(self) -> tuple[Question, ...]:
        """Questions whose video can be shown."""
        return tuple(question for question in self.questions if question.video_id in self.videos)

    @property
    def missing_questions(self) -> int:
        """Questions that cannot be asked because their video is missing."""
        return sum(question.video_id in self.missing for question in self.questions)


def load_asked(study: Study, layout: Layout, benchmark: str, split: str = "test") -> Asked:
    """Questions of `benchmark` in `split`, sorted by id, over all datasets of the benchmark's kind.

    A video in quarantine, or without a row in the codec manifest, is missing: its questions are counted, never replaced.
    Raises NoQuestions when the study holds none; FileNotFoundError when a table has not been built, or a file that the codec
    manifest promises is gone; Shortfall when a published benchmark lacks questions or videos and the study does not allow it.
    """
    datasets = _datasets(study, benchmark)
    questions: list[Question] = []
    videos: dict[str, EncodedVideo] = {}
    donors: dict[str, EncodedVideo] = {}
    missing: dict[str, str] = {}
    digests: dict[str, str] = {}
    for name in datasets:
        asked_path, manifest = layout.videos(name) / "questions.parquet", layout.codec(name) / "videos.parquet"
        asked = [_question(row) for row in _rows(asked_path) if row["benchmark"] == benchmark and row["split"] == split]
        encoded = [_video(layout, row) for row in _rows(manifest) if row["split"] == split]
        known = {video.video_id: video for video in encoded}
        reasons = {row["video_id"]: row["reason"] for row in _rows(layout.codec(name) / "quarantine.parquet")}
        wanted = {question.video_id for question in asked}
        digests |= {f"questions/{name}": file_digest(asked_path), f"codec/{name}": file_digest(manifest)}
        questions += asked
        videos |= {video_id: known[video_id] for video_id in sorted(wanted & set(known))}
        donors |= next_in_order(encoded)
        missing |= {video_id: reasons.get(video_id, "not in the codec manifest") for video_id in sorted(wanted - set(known))}
    if not questions:
        raise NoQuestions(f"benchmark {benchmark!r}: datasets {datasets} hold no {split} question of it")
    if not videos:
        raise NoQuestions(
            f"benchmark {benchmark!r}: all {len(missing)} videos are missing, the first for: {next(iter(missing.values()))}"
        )
    for video in videos.values():
        if not video.path.is_file():
            raise FileNotFoundError(f"{video.path}: the codec manifest lists it, but it is gone; run the codec step again")
    questions.sort(key=lambda question: (question.document_id or question.question_id, question.round))
    registered = load_benchmarks()[benchmark]
    whole = Asked(tuple(questions), videos, donors, missing, digests, registered)
    if registered.data is not None and whole.coverage["partial"] and not study.allow_partial:
        raise Shortfall(
            f"benchmark {benchmark!r} is not whole: {whole.coverage}, missing videos: {dict(list(missing.items())[:3])}; "
            "complete it, or set allow_partial: true, which every table will mark"
        )
    return whole


def _datasets(study: Study, benchmark: str) -> list[str]:
    registered = load_benchmarks()
    if benchmark not in registered:
        raise NoQuestions(f"benchmark {benchmark!r} is not registered; allowed: {sorted(registered)}")
    names = datasets_of(study, benchmark)
    if not names:
        wanted = registered[benchmark]
        what = f"of kind {wanted.dataset}" + (f" with source {wanted.data}" if wanted.data else "")
        raise NoQuestions(f"benchmark {benchmark!r} needs a dataset {what}; study {study.name!r} has none")
    return names


def next_in_order(videos: Sequence[EncodedVideo]) -> dict[str, EncodedVideo]:
    """The donor of each video: the next one by sorted id, the first for the last. A single video has no donor."""
    ordered = sorted(videos, key=lambda video: video.video_id)
    if len(ordered) < 2:
        return {}
    return {video.video_id: donor for video, donor in zip(ordered, [*ordered[1:], ordered[0]], strict=True)}


def _rows(path: Path) -> list[dict]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; run the step that makes it first")
    return pq.read_table(path).to_pylist()


def _question(row: dict) -> Question:
    evidence = tuple((float(start), float(end)) for start, end in row["evidence"])
    texts: dict[str, Any] = {
        name: str(row[name]) for name in ("question_id", "video_id", "benchmark", "type", "question", "answer")
    }
    lists: dict[str, Any] = {name: tuple(row[name]) for name in ("options", "answers")}
    support = tuple((name, path) for name, path in row["support"])
    others = {name: row[name] for name in (*_TEXTS, "round", "until", "start", "end")}
    return Question(**texts, **lists, **others, evidence=evidence, support=support)


def _video(layout: Layout, row: dict) -> EncodedVideo:
    return EncodedVideo(
        video_id=row["video_id"],
        dataset=row["dataset"],
        path=layout.root / row["path"],
        fps=float(row["fps"]),
        window=int(row["window"]),
        frames=int(row["frames"]),
        keyframes=tuple(int(number) for number in row["keyframes"]),
        stream_digest=row["stream_digest"],
        b_frames=bool(row["b_frames"]),
    )
