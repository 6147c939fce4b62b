"""The cache of primitives: the same GOPs, its size said first, damage found and mended."""

import shutil
from collections import namedtuple

import numpy as np
import pytest
from codec_scenes import moving_square

from framethrift.codec import Recipe, encode_frames, read_gops
from framethrift.codec.cache import CacheTooLarge, PrimitiveCache

FIELDS = ("times", "frames", "motion", "residual")


@pytest.fixture
def gop(tmp_path):
    """One GOP of three slots."""
    encode_frames(moving_square(50, 66, 12, seed=1, noise=4), tmp_path / "clip.mp4", Recipe(gop=12, window=4))
    return next(iter(read_gops(tmp_path / "clip.mp4", 4)))


class Reader:
    """Counts how often a GOP is read from its video."""

    def __init__(self, gop):
        self.gop, self.count = gop, 0

    def __call__(self):
        self.count += 1
        return self.gop


def assert_same(one, other):
    assert one.index == other.index
    for name in FIELDS:
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs), name


def test_a_gop_is_read_once_and_comes_back_equal(gop, tmp_path):
    said, read = [], Reader(gop)
    for _ in range(3):
        cache = PrimitiveCache(tmp_path / "cache", said.append)
        assert_same(cache.get("digest", 4, 0, read), gop)
    assert read.count == 1 and said == []
    for key in (("other", 4, 0), ("digest", 3, 0), ("digest", (4, 4), 0), ("digest", 4, 1)):
        cache.get(*key, read)
    assert read.count == 5
    assert len(list((tmp_path / "cache").rglob("*.zip"))) == 5
    assert not list((tmp_path / "cache").rglob(".*"))


def test_a_gop_of_its_i_frame_alone_is_kept_too(gop, tmp_path):
    alone = type(gop)(7, gop.times[:1], gop.frames[:1], gop.motion[:0], gop.residual[:0])
    cache, read = PrimitiveCache(tmp_path / "cache", print), Reader(alone)
    for _ in range(2):
        assert_same(cache.get("digest", 4, 7, read), alone)
    assert read.count == 1


def test_the_size_is_said_before_anything_is_written_and_is_about_right(gop, tmp_path, monkeypatch):
    said = []
    cache = PrimitiveCache(tmp_path / "cache", said.append)
    cache.announce(gop, 300)
    assert not list((tmp_path / "cache").rglob("*.zip"))
    cache.get("digest", 4, 0, Reader(gop))
    (written,) = (tmp_path / "cache").rglob("*.zip")
    kilobytes = written.stat().st_size * 100 / 1000
    announced = float(said[0].split("about ")[1].split()[0]) * {"kB": 1, "MB": 1000}[said[0].split("about ")[1].split()[1]]
    assert announced == pytest.approx(kilobytes, rel=0.05)
    assert "for 300 slots" in said[0] and "uncompressed" in said[0]
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6 - 1000, 1000))
    with pytest.raises(CacheTooLarge, match=r"1 kB free; turn training.primitive_cache off"):
        cache.announce(gop, 300)


def test_damage_is_said_and_the_file_written_anew(gop, tmp_path):
    said, read = [], Reader(gop)
    cache = PrimitiveCache(tmp_path / "cache", said.append)
    cache.get("digest", 4, 0, read)
    (path,) = (tmp_path / "cache").rglob("*.zip")
    good, rng = path.read_bytes(), np.random.default_rng(0)
    for trial in range(60):
        bad = bytearray(good)
        if trial % 3 == 0:
            del bad[int(rng.integers(len(bad))) :]
        elif trial % 3 == 1:
            bad[int(rng.integers(len(bad)))] ^= 1 << int(rng.integers(8))
        else:
            start = int(rng.integers(len(bad)))
            bad[start : start + 50] = rng.bytes(50)
        path.write_bytes(bad)
        assert_same(cache.get("digest", 4, 0, read), gop)
        if read.count > 1:
            assert len(said) == read.count - 1
            assert f"{path} is damaged (" in said[-1] and "GOP 0 is read from its video again" in said[-1]
    assert read.count > 50
    before = read.count
    assert_same(cache.get("digest", 4, 0, read), gop)
    assert read.count == before


def test_a_file_that_holds_another_gop_is_damage(gop, tmp_path):
    said, read = [], Reader(gop)
    cache = PrimitiveCache(tmp_path / "cache", said.append)
    cache.get("one", 4, 0, read)
    (one,) = (tmp_path / "cache").rglob("*.zip")
    cache.get("two", 4, 0, read)
    (two,) = set((tmp_path / "cache").rglob("*.zip")) - {one}
    shutil.copy(one, two)
    cache.get("two", 4, 0, read)
    assert read.count == 3 and "'stream': 'one'" in said[0]


def test_what_other_code_had_read_is_removed(gop, tmp_path):
    said = []
    (tmp_path / "cache" / "0123456789ab").mkdir(parents=True)
    PrimitiveCache(tmp_path / "cache", said.append).get("digest", 4, 0, Reader(gop))
    assert not (tmp_path / "cache" / "0123456789ab").exists()
    assert "which other code had written" in said[0]
