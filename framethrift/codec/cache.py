"""Primitives kept on disk for the next epoch: one zip file of zarr arrays per GOP, a checksum in every chunk.

A cached GOP is found by the digest of its stream, its windows and the code that read it, so that it can never be mistaken for
another. Whatever is wrong with a file of the cache, the GOP is read from its video again and the file is written anew.
"""

import hashlib
import json
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import ZipStore

from framethrift.codec.gops import Gop
from framethrift.config.digest import code_digest
from framethrift.files import replace_file

_ARRAYS = ("times", "frames", "motion", "residual")
# What zarr, its codecs and zipfile raise for bytes that are not as they were written.
_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, TypeError, ValueError, RuntimeError, NotImplementedError)


class CacheTooLarge(RuntimeError):
    """The primitives would not fit on the disk."""


class PrimitiveCache:
    """A folder of cached GOPs; processes may share it."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        # GOPs read by other code are of no use any more.
        self._folder, self._say = folder / code_digest("framethrift.codec"), say
        for old in folder.glob("*"):
            if old != self._folder:
                shutil.rmtree(old)
                say(f"primitive cache: removed {old}, which other code had written")

    def announce(self, sample: Gop, slots: int) -> None:
        """Say how large the cache of ``slots`` slots like those of ``sample`` will be, before anything is written.

        Raises CacheTooLarge when the disk has less room than that.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        trial = self._folder / "sample.zip"
        sizes: list[int] = []

        def measure(path: Path) -> None:
            _write(path, sample, {})
            sizes.append(path.stat().st_size)

        replace_file(trial, measure)
        trial.unlink()
        expected = sizes[0] / len(sample.times) * slots
        plain = sum(getattr(sample, name).nbytes for name in _ARRAYS) / len(sample.times) * slots
        free = shutil.disk_usage(self._folder).free
        text = f"{self._folder}: about {_size(expected)} for {slots} slots ({_size(plain)} uncompressed), {_size(free)} free"
        self._say(f"primitive cache {text}")
        if expected > free:
            raise CacheTooLarge(f"primitive cache {text}; turn training.primitive_cache off, or make room")

    def get(self, stream_digest: str, windows: int | Sequence[int], index: int, read: Callable[[], Gop]) -> Gop:
        """GOP ``index`` of a stream, from the cache or from ``read``; a damaged file is said and written again."""
        key = {"stream": stream_digest, "windows": windows if isinstance(windows, int) else list(windows), "gop": index}
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        path = self._folder / name[:2] / f"{name}.zip"
        if path.is_file():
            try:
                return _read(path, key, index)
            except _DAMAGE as error:
                self._say(f"primitive cache: {path} is damaged ({error}); GOP {index} is read from its video again")
        gop = read()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda partial: _write(partial, gop, key))
        return gop


def _write(path: Path, gop: Gop, key: Mapping[str, object]) -> None:
    with ZipStore(path, mode="w") as store:
        group = zarr.create_group(store, attributes={"key": dict(key)})
        for name in _ARRAYS:
            array = getattr(gop, name)
            group.create_array(
                name,
                data=array,
                chunks=(1, *array.shape[1:]),
                compressors=[BloscCodec(cname="zstd", clevel=1, shuffle="shuffle"), Crc32cCodec()],
                # A chunk that is not there would be read as zeros: all are written, so that a missing one is damage.
                config={"write_empty_chunks": True},
            )


def _read(path: Path, key: Mapping[str, object], index: int) -> Gop:
    # First by itself: zarr hides what is wrong with a zip file behind an error of its own.
    with zipfile.ZipFile(path) as file:
        if (member := file.testzip()) is not None:
            raise ValueError(f"{member} fails its checksum")
    with ZipStore(path, mode="r") as store:
        group = zarr.open_group(store, mode="r")
        if group.attrs["key"] != key:
            raise ValueError(f"it says that it holds {group.attrs['key']}")
        arrays: dict[str, Any] = {}
        for name in _ARRAYS:
            array = group[name]
            if not isinstance(array, zarr.Array) or array.nchunks_initialized != array.nchunks:
                raise ValueError(f"{name} is incomplete")
            arrays[name] = array[...]
        return Gop(index, **arrays)


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
