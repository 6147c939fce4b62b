"""Which fields of a study decide that a rule's result is another one now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from framethrift.config.digest import rule_settings
from framethrift.config.study import Study


@dataclass(frozen=True)
class Change:
    """A field of the study and its values; None where it was, or is, not there."""

    field: str
    before: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.field}: {_shown(self.before)} → {_shown(self.now)}"


def deciding_changes(old: dict[str, Any], study: Study, rule: str, *names: str) -> list[Change]:
    """Fields that differ between the dumped study `old` and `study` and, each taken alone, move the settings digest of `rule`.

    A field that cannot change alone (the studies in between are impossible) is listed too. Empty when no field is to blame.
    """
    now = study.model_dump(mode="json")
    found = list(changes(old, now))
    try:
        base = rule_settings(Study.model_validate(old), rule, *names)
    except (ValidationError, KeyError):  # an older study of another shape: every difference may be the reason
        return found
    return [change for change in found if _moves(old, change, base, rule, names)]


def changes(old: Any, now: Any, path: str = "") -> Iterator[Change]:
    """Every leaf that differs; a list is a leaf."""
    if isinstance(old, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*old, *now]):
            yield from changes(old.get(key), now.get(key), f"{path}.{key}" if path else str(key))
    elif old != now:
        yield Change(path, old, now)


def _moves(old: dict[str, Any], change: Change, base: str, rule: str, names: tuple[str, ...]) -> bool:
    try:
        return rule_settings(Study.model_validate(_with(old, change.field.split("."), change.now)), rule, *names) != base
    except (ValidationError, KeyError):
        return True


def _with(content: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    first, *rest = keys
    if rest:
        return content | {first: _with(content.get(first) or {}, rest, value)}
    return {key: old for key, old in content.items() if key != first} if value is None else content | {first: value}


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
