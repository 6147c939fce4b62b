"""Fetching from a real HTTP hub on this machine: resumed, verified, unpacked safely, refused with a reason."""

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hub_server import Hub, serving

from framethrift.published.fetch import RECORD
from framethrift.published.unpack import BadArchive, archives_in, unpack

VIDEOS = {f"NExTVideo/{number}.mp4": bytes([number]) * 200_000 for number in range(3)}


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _tar(files: dict[str, bytes], link: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo("link.mp4")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return buffer.getvalue()


def _hub(**changes: object) -> Hub:
    files = {"MC/test-00000-of-00001.parquet": b"p" * 5000, "videos.zip": _zip(VIDEOS), "README.md": b"not wanted"}
    return Hub("lmms-eval/NExTQA", files, lfs={"videos.zip"}, **changes)  # type: ignore[arg-type]


def _fetch(root: Path, hub: Hub, *, dataset: str = "nextqa", **environment: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: huggingface_hub reads its settings once, and the tests' own process is offline.
    settings = {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", "from framethrift.cli import main; main()"]
    return subprocess.run(
        [*command, "data", "fetch", "paper", dataset, "--root", str(root)],
        env={**os.environ, **settings, **environment},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_fetched_verified_unpacked_and_not_fetched_again(tmp_path: Path) -> None:
    with serving(_hub()) as hub:
        first = _fetch(tmp_path, hub, HF_TOKEN="hf_secret")
        assert first.returncode == 0, first.stderr
        assert "hf_secret" not in first.stdout + first.stderr
        assert hub.tokens_at_storage == []
        folder = tmp_path / "nextqa"
        assert (folder / "MC" / "test-00000-of-00001.parquet").read_bytes() == b"p" * 5000
        assert {path.relative_to(folder / "videos").as_posix(): path.read_bytes() for path in folder.rglob("*.mp4")} == VIDEOS
        assert not (folder / "README.md").exists()
        assert "licence: MIT (repository)" in first.stdout
        assert sorted(json.loads((folder / RECORD).read_text())["files"]) == ["MC/test-00000-of-00001.parquet", "videos.zip"]
        hub.downloads.clear()
        again = _fetch(tmp_path, hub)
        assert (again.returncode, hub.downloads) == (0, [])
        assert "unpacked 3 files of videos.zip" in first.stdout
        assert "files of videos.zip" not in again.stdout


LARGE = _zip({"NExTVideo/0.mp4": bytes(range(256)) * 120_000})  # 30 MB: huggingface_hub writes in pieces of 10


def test_a_cut_connection_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serving(_hub(cuts=[12_000_000])) as hub:
        hub.files["videos.zip"] = LARGE
        done = _fetch(tmp_path, hub)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "nextqa" / "videos.zip").read_bytes() == LARGE
        assert hub.ranges == ["bytes=10485760-"], hub.ranges


def test_after_a_failure_the_next_run_goes_on(tmp_path: Path) -> None:
    with serving(_hub(cuts=[12_000_000] + [0] * 100)) as hub:
        hub.files["videos.zip"] = LARGE
        stopped = _fetch(tmp_path, hub)
        assert (stopped.returncode, "run it again to go on where it stopped" in stopped.stderr) == (2, True), stopped.stderr
        assert "Traceback" not in stopped.stderr
        assert not (tmp_path / "nextqa" / "videos.zip").exists()
        hub.cuts.clear()
        hub.ranges.clear()
        done = _fetch(tmp_path, hub)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "nextqa" / "videos.zip").read_bytes() == LARGE
        assert len(hub.ranges) == 1 and hub.ranges[0].startswith("bytes=10485760-")


def test_wrong_content_is_deleted_and_said(tmp_path: Path) -> None:
    for name in ("videos.zip", "MC/test-00000-of-00001.parquet"):  # SHA-256 of a large file, git's SHA-1 of a small one
        with serving(_hub(lies={name})) as hub:
            refused = _fetch(tmp_path / name.replace("/", "_"), hub)
            assert refused.returncode == 2
            assert "has not the digest it promises; it was deleted" in refused.stderr
            assert not (tmp_path / name.replace("/", "_") / "nextqa" / name).exists()
            hub.lies.clear()
            assert _fetch(tmp_path / name.replace("/", "_"), hub).returncode == 0


def test_what_cannot_be_fetched_says_why(tmp_path: Path) -> None:
    with serving(_hub(gated=True)) as hub:
        gated = _fetch(tmp_path, hub)
        assert (gated.returncode, "agree to its terms at https://github.com/doc-doc/NExT-QA" in gated.stderr) == (2, True)
        assert "Traceback" not in gated.stderr
        scans = _fetch(tmp_path, hub, dataset="scanqa")
        assert (scans.returncode, "ScanNet's terms of use" in scans.stderr) == (2, True)
        offline = _fetch(tmp_path, hub, HF_HUB_OFFLINE="1")
        assert (offline.returncode, "HF_HUB_OFFLINE is set" in offline.stderr) == (2, True)
        unknown = _fetch(tmp_path, hub, dataset="nextqb")
        assert (
            unknown.returncode,
            "dataset 'nextqb' is no published dataset of study 'paper'; allowed: [" in unknown.stderr,
        ) == (2, True)
    gone = _fetch(tmp_path, hub)
    assert (gone.returncode, "NExT-QA (lmms-eval/NExTQA): " in gone.stderr) == (2, True)


@pytest.mark.parametrize("name", ["../evil.mp4", "a/../../evil.mp4", "/tmp/evil.mp4", "..\\evil.mp4", "C:/evil.mp4"])
@pytest.mark.parametrize("pack", [_zip, _tar])
def test_no_member_leaves_the_folder(pack, name: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    archive = tmp_path / "a.archive"
    archive.write_bytes(pack({"good.mp4": b"1", name: b"2"}))
    with pytest.raises(BadArchive, match="would be written outside the folder; nothing was unpacked"):
        unpack([archive], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not list(tmp_path.parent.rglob("evil*"))


def test_links_and_damage_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(_tar({"good.mp4": b"1"}, link="/etc/passwd"))
    with pytest.raises(BadArchive, match=r"member 'link\.mp4' is a link or a device"):
        unpack([archive], tmp_path / "out")
    whole = _tar({"good.mp4": os.urandom(10_000)})
    for content in (whole[: len(whole) // 2], b"no archive at all"):
        archive.write_bytes(content)
        with pytest.raises(BadArchive, match="damaged archive"):
            unpack([archive], tmp_path / "out")
    broken = bytearray(_zip({"good.mp4": b"x" * 1000}))
    broken[100] ^= 255
    archive.write_bytes(broken)
    with pytest.raises(BadArchive, match="damaged archive"):
        unpack([archive], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_split_archives_are_joined(tmp_path: Path) -> None:
    content = _tar({f"chunked_videos/{number}.mp4": os.urandom(3000) for number in range(4)})
    names = ["v.tar.gz.partaa", "v.tar.gz.partab", "v.tar.gz.partac"]
    step = len(content) // 3 + 1
    for at, name in enumerate(names):
        (tmp_path / name).write_bytes(content[at * step : (at + 1) * step])
    assert archives_in([*reversed(names), "b.zip", "c.json"]) == {"b.zip": ["b.zip"], "v.tar.gz": names}
    assert unpack([tmp_path / name for name in names], tmp_path / "out") == 4
    assert sorted(path.name for path in (tmp_path / "out" / "chunked_videos").iterdir()) == ["0.mp4", "1.mp4", "2.mp4", "3.mp4"]
    assert not list(tmp_path.glob(".joined-*"))
