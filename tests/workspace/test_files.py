"""Files are there whole or not at all, and nobody who lists a folder meets half of one."""

import hashlib
import json
from pathlib import Path

import pytest

from framethrift.files import file_digest, replace_file, write_json, write_text


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "table.json"
    write_json(target, {"old": 1})

    def fail(path: Path) -> None:
        path.write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(target, fail)
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(target, {"new": object()})
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]
    assert json.loads(target.read_text(encoding="utf-8")) == {"old": 1}


def test_half_written_text_has_another_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    whole = Path.write_text

    def write(path: Path, text: str, **settings: str) -> int:
        seen.append(path.suffix)
        return whole(path, text, **settings)

    monkeypatch.setattr(Path, "write_text", write)
    write_text(tmp_path / "new" / "rows.jsonl", "{}\n")
    assert seen and ".jsonl" not in seen
    assert (tmp_path / "new" / "rows.jsonl").read_text(encoding="utf-8") == "{}\n"


def test_file_digest_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert file_digest(tmp_path / "file") == hashlib.sha256(b"content").hexdigest()
