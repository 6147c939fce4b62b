"""What a published MLLM of another class sees of candidate frames."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from framethrift.codec import read_frames, sample_times
from framethrift.config import Layout
from framethrift.config.training import KeyFrames
from framethrift.evaluation.backbones import Backbone, Seen
from lightning_modules.data import Memory

KEPT_BYTES = 2 * 2**30


class SeenBank:
    """Frames as the class's own vision sees them together, kept up to a limit (a `Looking`).

    Its tower looks at pairs of frames, so that nothing can be kept per frame. Fewer tokens are a matter of previews alone:
    at most `preview_tokens` per time step, which is two frames.
    """

    def __init__(self, backbone: Backbone, layout: Layout, rows: pd.DataFrame, frames: KeyFrames) -> None:
        self._backbone, self._frames = backbone, frames
        self._paths = {video: layout.root / path for video, path in rows["path"].items()}
        self._times: dict[str, NDArray[np.float64]] = {}
        self._memory: Memory[Seen] = Memory(self._see, lambda seen: seen.tokens.nbytes, KEPT_BYTES)

    def times(self, video_id: str) -> NDArray[np.float64]:
        """As `Looking`."""
        if video_id not in self._times:
            self._times[video_id] = sample_times(self._paths[video_id], self._frames.candidate_fps)
        return self._times[video_id]

    def shown(self, wanted: Sequence[tuple[str, Sequence[int]]], *, preview: bool) -> list[Seen | None]:
        """What was seen of each row's frames; None of none."""
        tokens = self._frames.preview_tokens if preview else None
        return [self._memory.get(video, tuple(indices), tokens) if len(indices) else None for video, indices in wanted]

    def _see(self, video_id: str, indices: Sequence[int], tokens: int | None) -> Seen:
        times = self.times(video_id)[list(indices)]
        seen = self._backbone.see(read_frames(self._paths[video_id], times), times.tolist(), tokens)
        # A copy made outside of inference mode: gradients of the text around it pass by these tokens.
        return Seen(seen.tokens.clone(), seen.steps, seen.per_step, seen.layout)
