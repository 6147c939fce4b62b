"""What decides an answer, as one digest: an answer on disk is used again only under the same one."""

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from framethrift.codec import stream_digest
from framethrift.config.digest import answer_code
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask
from framethrift.files import write_json

_CANONICAL = json.JSONEncoder(sort_keys=True).encode


class VideoChanged(ValueError):
    """A re-encoded file is not the one that the codec manifest describes."""


class Keys:
    """Keys of one cell's answers. `settings` and `digests` hold what all of them share: sampling, seeds, weights.

    `seen` is a file that remembers the digests of streams between cells: a file is read again when its size or its time of
    change is another. Several processes may lose each other's entries, never change them.
    """

    def __init__(self, settings: Mapping[str, Any], digests: Mapping[str, str], *, reads_videos: bool, seen: Path) -> None:
        self._shared = {"settings": dict(settings), "digests": dict(digests)}
        self._reads_videos = reads_videos
        self._known: dict[EncodedVideo, str] = {}
        self._file = seen
        self._seen: dict[str, list[Any]] = json.loads(seen.read_text(encoding="utf-8")) if seen.is_file() else {}
        self._grown = False

    def remember(self) -> None:
        """Write down what was read, so that the next cell need not."""
        if self._grown:
            write_json(self._file, self._seen)

    @cached_property
    def _base(self) -> str:
        text = json.dumps({**self._shared, "code": answer_code()}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def key(self, benchmark: str, question_id: str, ask: Ask, length: int, stops: tuple[str, ...]) -> str:
        """The key of one question's answer. Raises VideoChanged; VideoRejected for a file that cannot be read."""
        facts = {
            "base": self._base,
            "asked": [benchmark, question_id, ask.question, ask.topic, ask.choices, ask.evidence, ask.span, length, stops],
            "videos": [self._digest(video) for video in (ask.video, ask.donor) if video is not None and self._reads_videos],
        }
        return hashlib.sha256(_CANONICAL(facts).encode()).hexdigest()[:32]

    def _digest(self, video: EncodedVideo) -> str:
        """Identity of a video, its file really read: a path and a table do not prove what lies there."""
        known = self._known.get(video)
        if known is None:
            found = self._stream(video.path)
            if found != video.stream_digest:
                raise VideoChanged(
                    f"{video.path}: its stream has digest {found[:12]}, the codec manifest says {video.stream_digest[:12]}; "
                    "run the codec step again"
                )
            shape = [video.fps, video.window, video.frames, video.keyframes, video.b_frames]
            facts = [found, video.dataset, video.video_id, *shape]
            known = self._known[video] = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return known

    def _stream(self, path: Path) -> str:
        name, state = os.path.relpath(path, self._file.parent), path.stat()
        facts = [state.st_size, state.st_mtime_ns]
        if self._seen.get(name, [])[:2] != facts:
            self._seen[name], self._grown = [*facts, stream_digest(path)], True
        return str(self._seen[name][2])
