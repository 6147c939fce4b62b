"""What a judge said, by the content it was asked, durably: a file that a killed run leaves usable."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framethrift.evaluation.judging.protocols import Message

SHOWN = 16  # hex digits of a content digest that go with a verdict


def content_digest(model: str, messages: list[Message], max_tokens: int) -> str:
    """SHA-256 of everything that decides a reply: the judge model's name, the conversation and the length it may reply in."""
    content = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Replies:
    """Replies by content digest, in order, malformed ones included; each is on disk before `keep` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, timeout=60, check_same_thread=False)
        with self._lock, self._file:
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("CREATE TABLE IF NOT EXISTS replies (digest TEXT PRIMARY KEY, replies TEXT NOT NULL)")

    def get(self, digest: str) -> list[str] | None:
        """The replies; None when this was never asked to the end."""
        with self._lock:
            row = self._file.execute("SELECT replies FROM replies WHERE digest = ?", (digest,)).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, digest: str, replies: list[str]) -> None:
        """Keep the replies for good, in place of earlier ones."""
        with self._lock, self._file:
            self._file.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (digest, json.dumps(replies)))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def opened(path: Path) -> Iterator[Replies]:
    """The replies in `path`, closed at the end."""
    replies = Replies(path)
    try:
        yield replies
    finally:
        replies.close()
