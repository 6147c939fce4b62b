"""Embeddings of candidate frames under a frozen tower and projector: every frame that is asked for is computed once."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.codec import read_frames, sample_times
from framethrift.config import Layout
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from lightning_modules.data import Candidates

CHUNK = 32  # frames per pass; always this many, so that a frame's embedding does not depend on what it is computed with
WHOLE_VIDEO_BYTES = 256 * 2**20  # candidate frames of longer videos are read one by one as they are needed
KEPT_BYTES = 4 * 2**30

Wanted = Iterable[tuple[str, Sequence[int]]]


class Looking(Protocol):
    """What an MLLM is shown of candidate frames."""

    def times(self, video_id: str) -> NDArray[np.float64]:
        """Times (T,) in seconds of the video's candidate frames."""
        ...

    def shown(self, wanted: Sequence[tuple[str, Sequence[int]]], *, preview: bool) -> Any:
        """What the model reads of each (video, candidate indices), as previews or key frames: one part each, of equally many."""
        ...


class FrameBank:
    """Image embeddings (g·g, d_llm) of candidate frames of the videos in `rows`, from one frozen model."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        layout: Layout,
        rows: pd.DataFrame,
        fps: float,
    ) -> None:
        self._model, self._processor = model, processor
        self._width = model.config.text_config.hidden_size
        self._rows, self._fps = rows, fps
        self._paths = {video: layout.root / path for video, path in rows["path"].items()}
        self._candidates = Candidates(layout, rows, fps)
        self._times: dict[str, NDArray[np.float64]] = {}
        self._places: dict[int, dict[tuple[str, int], int]] = {}
        self._pools: dict[int, Tensor] = {}

    def times(self, video_id: str) -> NDArray[np.float64]:
        """Times (T,) in seconds of the video's candidate frames."""
        if video_id not in self._times:
            self._times[video_id] = sample_times(self._paths[video_id], self._fps)
        return self._times[video_id]

    @torch.no_grad()
    def get(self, wanted: Wanted, grid: int) -> Tensor:
        """Embeddings (n, grid·grid, d_llm) of the wanted (video, candidate indices), in their order."""
        keys = [(video, int(index)) for video, indices in wanted for index in indices]
        places = self._places.setdefault(grid, {})
        missing = [key for key in dict.fromkeys(keys) if key not in places]
        if (len(places) + len(missing)) * grid * grid * self._width * 4 > KEPT_BYTES:
            places.clear()
            missing = list(dict.fromkeys(keys))
        if missing:
            self._compute(missing, grid)
        if not keys:
            return torch.empty((0, grid * grid, self._width), device=self._model.device)
        return self._pools[grid][[places[key] for key in keys]]

    def _compute(self, missing: list[tuple[str, int]], grid: int) -> None:
        by_video: dict[str, list[int]] = {}
        for video, index in missing:
            by_video.setdefault(video, []).append(index)
        order = [(video, index) for video, indices in by_video.items() for index in indices]
        pixels: list[Tensor] = []
        first = self._room(len(order), grid)
        done = 0
        for video, indices in by_video.items():
            pixels += self._processor.pixels(self._pictures(video, indices)).unbind()
            while len(pixels) >= CHUNK:
                self._embed(pixels[:CHUNK], first + done, grid)
                pixels, done = pixels[CHUNK:], done + CHUNK
        if pixels:
            self._embed(pixels, first + done, grid)
        self._places[grid].update({key: first + offset for offset, key in enumerate(order)})

    def _embed(self, pixels: list[Tensor], place: int, grid: int) -> None:
        filled = pixels + [torch.zeros_like(pixels[0])] * (CHUNK - len(pixels))
        features = self._model.vision_features(torch.stack(filled).to(self._model.device))
        self._pools[grid][place : place + len(pixels)] = self._model.image_embeddings(features, grid)[: len(pixels)]

    def _room(self, count: int, grid: int) -> int:
        """First of `count` free places in the grid's pool, which grows as needed."""
        kept, pool = len(self._places[grid]), self._pools.get(grid)
        if pool is None or len(pool) < kept + count:
            larger = torch.empty((max(2 * kept, kept + count), grid * grid, self._width), device=self._model.device)
            if pool is not None:
                larger[:kept] = pool[:kept]
            self._pools[grid] = larger
        return kept

    def _pictures(self, video_id: str, indices: Sequence[int]) -> NDArray[np.uint8]:
        times = self.times(video_id)
        height, width = (int(self._rows.at[video_id, side]) for side in ("height", "width"))
        if len(times) * height * width * 3 <= WHOLE_VIDEO_BYTES:
            return self._candidates.get(video_id)[1][list(indices)]
        return read_frames(self._paths[video_id], times[list(indices)])


class GridLooking:
    """Frames as grids of embeddings from a FrameBank: previews coarse, key frames fine (a `Looking`)."""

    def __init__(self, bank: FrameBank, preview_grid: int, grid: int) -> None:
        self._bank, self._grids = bank, {True: preview_grid, False: grid}

    def times(self, video_id: str) -> NDArray[np.float64]:
        """As `Looking`."""
        return self._bank.times(video_id)

    def shown(self, wanted: Sequence[tuple[str, Sequence[int]]], *, preview: bool) -> Tensor:
        """Embeddings (R, K, g·g, d_llm) of R times K frames."""
        found = self._bank.get(wanted, self._grids[preview])
        return found.reshape(len(wanted), len(wanted[0][1]), *found.shape[1:])
