"""The judge's endpoint as a writer of questions: every reply is kept by content, so that a dataset built again is the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framethrift.config.judge import KEY, MODEL, URL, Endpoint, JudgeSettingsError
from framethrift.evaluation.judging.cache import content_digest, opened
from framethrift.evaluation.judging.endpoint import Judge, JudgeRefused
from framethrift.evaluation.judging.protocols import Message

PER_MINUTE = 300.0


@contextmanager
def writer(cache: Path) -> Iterator[Callable[[list[Message], int], str]]:
    """A function (conversation, most tokens) → reply, empty where a content filter refuses; asked once per conversation.

    Raises JudgeSettingsError when the environment names no endpoint; within, JudgeDown when it fails for good.
    """
    endpoint = Endpoint.from_environment()
    if endpoint is None:
        raise JudgeSettingsError(f"writer: endpoint needs {URL}, {MODEL} and {KEY} in the environment; templates need none")
    judge = Judge(endpoint, per_minute=PER_MINUTE)
    with opened(cache) as replies:

        def ask(messages: list[Message], max_tokens: int) -> str:
            digest = content_digest(endpoint.model, messages, max_tokens)
            kept = replies.get(digest)
            if kept is None:
                try:
                    kept = [judge.ask(messages, max_tokens)]
                except JudgeRefused:
                    kept = [""]
                replies.keep(digest, kept)
            return kept[-1]

        yield ask
