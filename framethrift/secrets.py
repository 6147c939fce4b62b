"""Secrets come from the environment alone, and leave it nowhere: messages are cleaned of them before they are written."""

import os
import re

_NAMES = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(_ID)?$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")
_SHORTEST = 6  # a shorter value would be found in ordinary words


def redact(text: str) -> str:
    """`text` without the values of the environment's secret variables, and without passwords in addresses."""
    secrets = {value: name for name, value in os.environ.items() if _NAMES.search(name) and len(value) >= _SHORTEST}
    for value in sorted(secrets, key=len, reverse=True):
        text = text.replace(value, f"[{secrets[value]}]")
    return _IN_ADDRESS.sub(r"\1:[password]@", text)
