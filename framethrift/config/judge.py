"""Which judge scores open answers: an OpenAI-compatible endpoint, named by the environment and by nothing else."""

import hashlib
import os
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

URL, MODEL, KEY = "FRAMETHRIFT_JUDGE_URL", "FRAMETHRIFT_JUDGE_MODEL", "FRAMETHRIFT_JUDGE_KEY"


class JudgeSettingsError(ValueError):
    """The environment names a judge only in part."""


@dataclass(frozen=True)
class Endpoint:
    """Where the judge answers; the key and the address, which may hold secrets too, stay out of every text."""

    url: str = field(repr=False)
    model: str
    key: str = field(repr=False)

    @classmethod
    def from_environment(cls) -> Self | None:
        """The endpoint that FRAMETHRIFT_JUDGE_URL, _MODEL and _KEY name; None where none of them is set.

        Raises JudgeSettingsError when only some are set, or the address is no http(s) address.
        """
        found = {name: os.environ.get(name, "") for name in (URL, MODEL, KEY)}
        if not any(found.values()):
            return None
        lacking = [name for name, value in found.items() if not value]
        if lacking:
            raise JudgeSettingsError(f"{', '.join(lacking)} not set: a judge needs {URL}, {MODEL} and {KEY}, or none of them")
        if urlsplit(found[URL]).scheme not in ("http", "https") or not urlsplit(found[URL]).hostname:
            raise JudgeSettingsError(f"{URL}: expected an address such as https://HOST/v1")
        return cls(*found.values())

    @property
    def identity(self) -> str:
        """Twelve hex digits that change with the judge: its model and host, not its key."""
        return hashlib.sha256(f"{self.model} {self.host}".encode()).hexdigest()[:12]

    @property
    def host(self) -> str:
        """Host name alone: an address can carry a password or a token."""
        return str(urlsplit(self.url).hostname)
