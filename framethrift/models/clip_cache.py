"""Frame embeddings of a dataset's candidate frames, computed once per video and kept on disk in half precision."""

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framethrift.codec import read_frames, sample_times
from framethrift.config import Layout
from framethrift.files import replace_file
from framethrift.models.clip import ClipScorer

CHUNK = 256  # candidate frames decoded and embedded at a time: an hour of video stays in bounded memory


class FrameEmbeddings:
    """CLIP embeddings of candidate frames at `fps`: clip/<dataset>/<video_id>.npz in the study's folder.

    An entry carries a digest of the CLIP's weights, the video's stream and the rate, and a checksum of its arrays;
    one that does not match is made anew.
    """

    def __init__(self, scorer: ClipScorer, layout: Layout, dataset: str, fps: float) -> None:
        self.scorer, self._layout, self._fps = scorer, layout, fps
        self._folder = layout.root / "clip" / dataset
        self._weights = scorer.digest

    def get(self, video_id: str, path: str, stream_digest: str) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
        """Times (T,) in seconds and embeddings (T, d) of the video's candidate frames.

        path: relative to the study's folder; stream_digest: both as in the codec manifest.
        Raises VideoRejected when the video has to be read and cannot be.
        """
        key = hashlib.sha256(f"{self._weights} {stream_digest} {self._fps!r}".encode()).hexdigest()
        entry = self._folder / f"{video_id}.npz"
        kept = _read(entry, key)
        if kept is not None:
            return kept
        video = self._layout.root / path
        times = np.asarray(sample_times(video, self._fps), dtype=np.float64)
        parts = [
            self.scorer.embed_frames(read_frames(video, times[start : start + CHUNK])) for start in range(0, len(times), CHUNK)
        ]
        embeddings = np.concatenate(parts).astype(np.float16)
        _write(entry, times, embeddings, key)
        return times, embeddings


def _checksum(key: str, times: NDArray[np.float64], embeddings: NDArray[np.float16]) -> str:
    return hashlib.sha256(key.encode() + times.tobytes() + embeddings.tobytes()).hexdigest()


def _read(entry: Path, key: str) -> tuple[NDArray[np.float64], NDArray[np.float16]] | None:
    """The entry's arrays; None where there is none, it belongs to other weights or another video, or it is damaged."""
    try:
        with np.load(entry) as arrays:
            times, embeddings = arrays["times"], arrays["embeddings"]
            intact = str(arrays["key"]) == key and str(arrays["checksum"]) == _checksum(key, times, embeddings)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return (times, embeddings) if intact else None


def _write(entry: Path, times: NDArray[np.float64], embeddings: NDArray[np.float16], key: str) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    facts = {"key": np.array(key), "checksum": np.array(_checksum(key, times, embeddings))}
    write: Callable[..., None] = np.savez
    replace_file(entry, lambda path: write(path, times=times, embeddings=embeddings, **facts))
