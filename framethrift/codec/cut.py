"""Whether a file ends in the middle."""

import struct
from pathlib import Path

_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp"}


def is_cut(path: Path) -> bool:
    """Whether an MP4, MOV or AVI file ends within one of its top-level boxes, or an MP4 before its index; others: False.

    Asked only about files that are already known to be bad, to tell a broken download from broken content.
    """
    size = path.stat().st_size
    found: set[bytes] = set()
    with open(path, "rb") as file:
        while (start := file.tell()) < size:
            head = file.read(16)
            if len(head) < 8:
                return bool(found)
            length, kind = struct.unpack(">I4s", head[:8])
            if not found and length == int.from_bytes(b"RIFF"):
                return 8 + struct.unpack("<I", head[4:8])[0] > size
            if not found and kind not in _FIRST_BOXES:
                return False
            if length == 1 and len(head) == 16:
                length = struct.unpack(">Q", head[8:])[0]
            found.add(kind)
            if length == 0:
                break
            if length < 8:
                return False
            if start + length > size:
                return True
            file.seek(start + length)
    return bool(found) and not found & {b"moov", b"moof"}
