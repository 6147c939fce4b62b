"""Takes a published instruction-tuning dataset in the layout of LLaVA-Video-178K into a study (CoPE Supp. D).

A YAML file lists annotation files with a sampling strategy each. An annotation file (JSON or JSON lines) holds conversations:
`id`, `video`, `data_source`, `conversations` with alternating turns `from: human` and `from: gpt`; the first human turn begins
with the `<image>` token. Videos lie in <folder>/<data_source>/<video> or <folder>/<video>.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import yaml

from framethrift.config.data import Official
from framethrift.published.annotations import AnnotationError
from framethrift.videos.ingest import Admitted, Candidate, NoUsableVideo, admit_all, hash_share, reasons, safe_id
from framethrift.videos.parallel import Progress

Row = dict[str, Any]

_VISUAL_TOKENS = re.compile(r"<(?:image|video)>\s*")
_STRATEGY = re.compile(r"(first|end|random):(\d+)(%?)")
_TYPES = {"cap": "caption", "oe": "open_ended", "mc": "multiple_choice"}


@dataclass(frozen=True)
class Conversation:
    """One entry of an annotation file; `turns` are (question, answer)."""

    entry: str
    type: str
    data_source: str
    video: str
    turns: tuple[tuple[str, str], ...]


def ingest_llava_video(
    settings: Official, dataset: str, study_dir: Path, jobs: int, progress: Progress | None
) -> tuple[Admitted, list[Row]]:
    """Link the listed videos below videos/<dataset>/source; return their rows and the rows of the question table.

    A missing or bad video is quarantined together with its questions, which then are not in the question table.

    Raises AnnotationError for a malformed listing or entry, FileNotFoundError for a missing listing or annotation file, and
    NoUsableVideo when no listed video can be used.
    """
    conversations = list(read_listing(settings))
    # A million conversations share some hundred thousand files: look for each file once.
    places = {named: _located(settings, *named) for named in {(c.data_source, c.video) for c in conversations}}
    asked: dict[str, list[Conversation]] = {}
    for conversation in conversations:
        asked.setdefault(places[conversation.data_source, conversation.video], []).append(conversation)
    candidates = []
    for relative in sorted(asked):
        split = "validation" if hash_share(relative) < settings.validation_share else "train"
        candidates.append(Candidate(Path(settings.folder) / relative, relative, safe_id(relative), dataset, split, study_dir))
    admitted = admit_all(candidates, jobs, progress)
    if not admitted.videos:
        why = reasons(admitted.quarantine) or "the annotation files are empty"
        raise NoUsableVideo(f"listing {settings.listing!r} of dataset {dataset!r} names no usable video: {why}")
    lost = {row["video_id"]: row for row in admitted.quarantine}
    splits = {row["video_id"]: row["split"] for row in admitted.videos}
    questions: list[Row] = []
    for candidate in candidates:
        turns = sum(len(conversation.turns) for conversation in asked[candidate.shown])
        if candidate.video_id in lost:
            lost[candidate.video_id]["detail"] += f"; {turns} questions go with it"
            continue
        for conversation in asked[candidate.shown]:
            questions += _question_rows(conversation, candidate.video_id, dataset, splits[candidate.video_id])
    return admitted, questions


def read_listing(settings: Official) -> Iterator[Conversation]:
    """Conversations of all annotation files that the listing names, thinned by their sampling strategies."""
    listing = Path(settings.listing)
    if not listing.is_file():
        raise FileNotFoundError(f"listing {settings.listing!r} is no file")
    content = yaml.safe_load(listing.read_text(encoding="utf-8"))
    entries = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "json_path" in entry for entry in entries):
        raise AnnotationError(f"{listing}: must hold a list 'datasets' whose entries have a 'json_path'")
    for number, entry in enumerate(entries):
        path = listing.parent / entry["json_path"]
        if not path.is_file():
            raise FileNotFoundError(f"{listing}: datasets[{number}].json_path {entry['json_path']!r} is no file")
        records = read_records(path)
        rng = np.random.default_rng([settings.seed, number])
        for index in _sampled(str(entry.get("sampling_strategy", "all")), len(records), rng, f"{listing}: datasets[{number}]"):
            yield _conversation(records[index], path, index)


def read_records(path: Path) -> list[Any]:
    """Entries of a JSON or JSON lines file. Raises AnnotationError when it is neither, or holds no list."""
    text = path.read_text(encoding="utf-8")
    try:
        records = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if path.suffix == ".jsonl" else json.loads(text)
        )
    except json.JSONDecodeError as error:
        raise AnnotationError(f"{path}: not JSON: {error}") from error
    if not isinstance(records, list):
        raise AnnotationError(f"{path}: must hold a list of entries")
    return records


def _sampled(strategy: str, total: int, rng: np.random.Generator, where: str) -> list[int]:
    """Indices kept by a strategy: all, or first, end or random with a number or a percentage (rounded up)."""
    if strategy == "all":
        return list(range(total))
    match = _STRATEGY.fullmatch(strategy)
    if match is None:
        raise AnnotationError(f"{where}.sampling_strategy {strategy!r} is unknown; allowed: all, first:N, end:N, random:N, or N%")
    kind, amount, percent = match.groups()
    count = min(total, math.ceil(int(amount) * total / 100) if percent else int(amount))
    if kind == "first":
        return list(range(count))
    if kind == "end":
        return list(range(total - count, total))
    return sorted(int(index) for index in rng.choice(total, size=count, replace=False))


def _conversation(record: Any, path: Path, index: int) -> Conversation:
    where = f"{path}: entry {index}"
    if not isinstance(record, dict):
        raise AnnotationError(f"{where}: is no mapping")
    for key in ("video", "conversations"):
        if not record.get(key):
            raise AnnotationError(f"{where}: has no {key!r}; entries without a video are not supported")
    video = PurePosixPath(str(record["video"]))
    if video.is_absolute() or ".." in video.parts:
        raise AnnotationError(f"{where}: video {str(video)!r} must be relative to the folder of the videos")
    turns = record["conversations"]
    speakers = [turn.get("from") if isinstance(turn, dict) else None for turn in turns]
    if len(turns) % 2 or speakers != ["human", "gpt"] * (len(turns) // 2):
        raise AnnotationError(f"{where}: speakers are {speakers}; allowed: human and gpt in turns")
    texts = [_VISUAL_TOKENS.sub("", str(turn["value"])).strip() for turn in turns]
    tags = [tag for tag in _TYPES if re.search(rf"(?:^|_){tag}(?:_|$)", path.stem)]
    kind = _TYPES[tags[0]] if tags else "conversation"
    pairs = tuple(zip(texts[::2], texts[1::2], strict=True))
    return Conversation(f"{path.stem}-{index:07d}", kind, str(record.get("data_source", "")), video.as_posix(), pairs)


def _located(settings: Official, data_source: str, video: str) -> str:
    """Path of a video relative to the folder; the first of the known places if it is in none of them."""
    below_source = (PurePosixPath(data_source) / video).as_posix()
    folder = Path(settings.folder)
    return next((place for place in (below_source, video) if (folder / place).exists()), below_source)


def _question_rows(conversation: Conversation, video_id: str, dataset: str, split: str) -> Iterator[Row]:
    for number, (question, answer) in enumerate(conversation.turns):
        yield {
            "question_id": f"{conversation.entry}-{number}",
            "video_id": video_id,
            "dataset": dataset,
            "split": split,
            "benchmark": conversation.data_source or dataset,
            "type": conversation.type,
            "question": question,
            "answer": answer,
            # Lettered options stay in the question's text, as the model is trained to read them there.
            "options": [],
            "evidence": [],
            "queries": [],
        }
