"""What the training stages read: GOPs and candidate frames through the codec layer, kept in memory up to a limit."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd

from framethrift.codec import Gop, read_frames, read_gops, sample_times
from framethrift.codec.cache import PrimitiveCache
from framethrift.codec.energy import packet_bytes
from framethrift.config import Layout
from framethrift.config.sampling import Stream
from framethrift.progress import say
from framethrift.tokens import Slots, TokenCosts, adaptive_slots

Item = TypeVar("Item")
MEMORY_BYTES = 6 * 2**30


class Memory(Generic[Item]):
    """A bounded memory of things read from videos: the least recently used leave first."""

    def __init__(self, read: Callable[..., Item], size: Callable[[Item], int], limit: int = MEMORY_BYTES) -> None:
        self._read, self._size, self._limit = read, size, limit
        self._kept: OrderedDict[tuple, Item] = OrderedDict()
        self._bytes = 0

    def get(self, *key: object) -> Item:
        """The item of `key`, read once while it fits."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        item = self._read(*key)
        self._kept[key] = item
        self._bytes += self._size(item)
        while self._bytes > self._limit and len(self._kept) > 1:
            self._bytes -= self._size(self._kept.popitem(last=False)[1])
        return item


def manifest(layout: Layout, datasets: Iterable[str], split: str) -> pd.DataFrame:
    """Rows of the codec manifests of `datasets` in `split`, indexed by video_id.

    Raises ValueError when the split holds no video.
    """
    tables = [pd.read_parquet(layout.codec(name) / "videos.parquet") for name in datasets]
    rows = pd.concat(tables, ignore_index=True)
    rows = rows[rows["split"] == split].set_index("video_id", verify_integrity=True).sort_index()
    if rows.empty:
        raise ValueError(f"datasets {sorted(datasets)} have no video in split {split!r}: give them some, or leave the stage out")
    return rows


class Gops:
    """GOPs of the videos of a manifest."""

    def __init__(self, layout: Layout, rows: pd.DataFrame, *, cached: bool) -> None:
        self.rows = rows
        self._cache = PrimitiveCache(layout.primitives, say) if cached else None
        self._paths: dict[str, Path] = {video: layout.root / path for video, path in rows["path"].items()}
        self._memory = Memory(self._read, lambda gop: gop.frames.nbytes + gop.motion.nbytes + gop.residual.nbytes)
        self._slots: dict[tuple[str, str], Slots] = {}
        self._candidates: dict[tuple[str, float], np.ndarray] = {}

        if self._cache is not None:
            slots = sum(int(row["frames"]) // int(row["window"]) + 1 for _, row in rows.iterrows())
            self._cache.announce(self._decode(rows.index[0], 0, int(rows["window"].iloc[0])), slots)

    def _read(self, video_id: str, index: int, window: int | tuple[int, ...]) -> Gop:
        def decode() -> Gop:
            return self._decode(video_id, index, window)

        if self._cache is None:
            return decode()
        return self._cache.get(str(self.rows.at[video_id, "stream_digest"]), window, index, decode)

    def _decode(self, video_id: str, index: int, window: int | tuple[int, ...]) -> Gop:
        windows = window if isinstance(window, int) else {index: window}
        b_frames = bool(self.rows.at[video_id, "b_frames"])
        return next(iter(read_gops(self._paths[video_id], windows, [index], b_frames=b_frames)))

    def count(self, video_id: str) -> int:
        """GOPs of the video."""
        return len(self.rows.at[video_id, "keyframes"])

    def get(self, video_id: str, index: int, window: int | tuple[int, ...] | None = None) -> Gop:
        """GOP `index` of the video, read with the windows given (default: the recipe's)."""
        return self._memory.get(video_id, index, int(self.rows.at[video_id, "window"]) if window is None else window)

    def candidate_times(self, video_id: str, fps: float) -> np.ndarray:
        """Times (T,) in seconds of the video's candidate frames at a rate, without reading them."""
        key = video_id, fps
        if key not in self._candidates:
            self._candidates[key] = sample_times(self._paths[video_id], fps)
        return self._candidates[key]

    def adaptive_slots(self, video_id: str, sampling: Stream, costs: TokenCosts) -> Slots:
        """Slots that follow the motion of the video, planned once; errors as `framethrift.tokens.adaptive_slots`."""
        key = video_id, sampling.model_dump_json()
        if key not in self._slots:
            row = self.rows.loc[video_id]
            facts = [int(number) for number in row["keyframes"]], int(row["frames"]), float(row["fps"]), int(row["window"])
            self._slots[key] = adaptive_slots(self._paths[video_id], *facts, sampling, costs)
        return self._slots[key]

    def windows(self, video_id: str, index: int) -> int:
        """Fused windows of GOP `index` of the video under the recipe, known without reading it."""
        row = self.rows.loc[video_id]
        starts = [*row["keyframes"], int(row["frames"])]
        return (int(starts[index + 1]) - int(starts[index]) - 1) // int(row["window"])

    def __iter__(self) -> Iterator[tuple[str, int]]:
        for video_id in self.rows.index:
            for index in range(self.count(video_id)):
                yield video_id, index


class Candidates:
    """Candidate frames of the videos of a manifest, at a fixed rate."""

    def __init__(self, layout: Layout, rows: pd.DataFrame, fps: float) -> None:
        self.rows, self._fps = rows, fps
        self._paths: dict[str, Path] = {video: layout.root / path for video, path in rows["path"].items()}
        self._times: dict[str, np.ndarray] = {}
        self._memory = Memory(self._read, lambda item: item[1].nbytes)

    def _read(self, video_id: str) -> tuple[np.ndarray, np.ndarray]:
        return self.times(video_id), read_frames(self._paths[video_id], self.times(video_id))

    def times(self, video_id: str) -> np.ndarray:
        """Times (T,) in seconds of the candidate frames, without reading them."""
        if video_id not in self._times:
            self._times[video_id] = sample_times(self._paths[video_id], self._fps)
        return self._times[video_id]

    def get(self, video_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (T,) in seconds and frames uint8 (T, H, W, 3)."""
        return self._memory.get(video_id)

    def packet_bytes(self, video_id: str) -> np.ndarray:
        """(T,) bytes that the codec spent from each candidate to the next."""
        return packet_bytes(self._paths[video_id], self.times(video_id))


def questions(layout: Layout, datasets: Iterable[str], split: str) -> pd.DataFrame:
    """Questions of `datasets` in `split`, in the order of their ids."""
    tables = [pd.read_parquet(layout.videos(name) / "questions.parquet") for name in datasets]
    rows = pd.concat(tables, ignore_index=True)
    return rows[rows["split"] == split].sort_values("question_id").reset_index(drop=True)


def step_rng(seed: int, step: int) -> np.random.Generator:
    """The generator of one training step: the same after any number of resumes."""
    return np.random.default_rng([seed, step])
