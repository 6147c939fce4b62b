"""Videos shown as token streams: key frames and fused P-frames of their GOPs (CoPE Sec. 3.2 and 4.1)."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from framethrift.codec import read_frames, read_gops
from framethrift.config.sampling import Stream
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask, Shown, View
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.delta_encoder import TokenUse
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import Slots, StreamItem, adaptive_slots, token_budget

CHUNK = 64  # pictures that go through a network at a time: an hour of video stays in bounded memory

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]  # frames (a, H, W, 3), motion (b, H, W, 2), residual (b, H, W, 3)


class StreamViewer:
    """Shows videos as token streams to one model under one sampling."""

    def __init__(
        self, model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, sampling: Stream, watch: Stopwatch
    ) -> None:
        self._model, self._processor, self._sampling, self._watch = model, processor, sampling, watch

    @torch.inference_mode()
    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`; errors as `read`."""
        shown: dict[EncodedVideo, Shown] = {}
        for ask in asks:
            if ask.video not in shown:
                items, features, deltas = self.read(ask.video, ask.donor)
                grids = (self._processor.grid,) * len(features)
                stream = self._processor.expand(items)
                cost = token_budget(items, self._processor.costs())
                shown[ask.video] = Shown(tuple(items), stream, features, grids, deltas, cost)
        return [View(shown[ask.video]) for ask in asks]

    def read(self, video: EncodedVideo, donor: EncodedVideo | None) -> tuple[list[StreamItem], Tensor, Tensor | None]:
        """Items of the stream, image features (n_I, patches, d_v), and Δ-embeddings (n_P, N, d_llm), None without P-frames.

        `donor` is the video whose primitives `delta: swap` shows in place of the video's own: its P-frames in order, from the
        start again if it has fewer. Raises VideoRejected for a bad file, ValueError for a swap without a donor or P-frames.
        """
        slots = self._slots(video)
        items = slots.plan(self._sampling)
        shown = [item for item in items if item.kind == "P"]
        if self._sampling.delta != "swap":
            features, deltas = self._encode(video, slots, items)
            return items, features, deltas if shown else None
        if not shown:
            return items, self._encode(video, slots, items)[0], None
        if donor is None:
            raise ValueError(f"sampling delta: swap needs a second video in the split of {video.path}")
        theirs = self._slots(donor)
        given = [item for item in theirs.plan(self._sampling) if item.kind == "P"]
        if not given:
            raise ValueError(f"sampling delta: swap found no P-frame in {donor.path} to show for {video.path}")
        features = self._encode(video, slots, [item for item in items if item.kind == "I"])[0]
        deltas = self._encode(donor, theirs, given)[1]
        return items, features, deltas[torch.arange(len(shown), device=deltas.device) % len(given)]

    def _slots(self, video: EncodedVideo) -> Slots:
        if self._sampling.fusion == "fixed":
            return Slots(video.window, *video.slots())
        facts = video.path, video.keyframes, video.frames, video.fps, video.window
        with self._watch("read"):
            return adaptive_slots(*facts, self._sampling, self._processor.costs())

    def _encode(self, video: EncodedVideo, slots: Slots, items: Sequence[StreamItem]) -> tuple[Tensor, Tensor]:
        """Image features of the I-frames and Δ-embeddings of the P-frames among `items`."""
        features, deltas = [], []
        for frames, motion, residual in self._chunks(self._arrays(video, slots, items)):
            if len(frames):
                with self._watch("vision"):
                    pixels = self._processor.pixels(frames).to(self._model.device)
                    features.append(self._model.vision_features(pixels))
            if len(motion):
                with self._watch("delta"):
                    tau, delta = self._processor.primitives(motion, residual)
                    sent = tau.to(self._model.device), delta.to(self._model.device)
                    deltas.append(self._model.delta_embeddings(*sent, self._use()))
        nothing = torch.empty(0, device=self._model.device)
        return torch.cat(features) if features else nothing, torch.cat(deltas) if deltas else nothing

    def _use(self) -> TokenUse:
        """What happens to the Δ-tokens themselves; drop and swap decide what is read instead."""
        delta = self._sampling.delta
        return "keep" if delta == "drop" or delta == "swap" else delta

    def _arrays(self, video: EncodedVideo, slots: Slots, items: Sequence[StreamItem]) -> Iterator[Arrays]:
        """Per GOP, or at once where only key frames are shown, what `items` need; only their GOPs are decoded."""
        if all(item.kind == "I" for item in items):
            with self._watch("read"):
                frames = read_frames(video.path, [item.time for item in items])
            none = np.empty((0, *frames.shape[1:3]), np.int16)
            yield frames, np.repeat(none[..., None], 2, -1), np.repeat(none[..., None], 3, -1)
            return
        numbers = sorted({item.gop for item in items})
        valid = slots.valid
        wanted = None if len(numbers) == len(valid) else numbers
        gops = iter(read_gops(video.path, slots.windows, wanted, b_frames=video.b_frames))
        for number in numbers:
            with self._watch("read"):
                gop = next(gops)
            if gop.index != number or len(gop.frames) != valid[number].sum():
                raise ValueError(
                    f"{video.path}: GOP {gop.index} has {len(gop.frames)} slots, not the {valid[number].sum()} expected"
                )
            keys = [item.slot for item in items if item.gop == number and item.kind == "I"]
            fused = [item.slot - 1 for item in items if item.gop == number and item.kind == "P"]
            yield gop.frames[keys], gop.motion[fused], gop.residual[fused]

    def _chunks(self, gops: Iterable[Arrays]) -> Iterator[Arrays]:
        waiting: list[Arrays] = []
        for arrays in gops:
            waiting.append(arrays)
            if sum(len(frames) + len(motion) for frames, motion, _ in waiting) >= CHUNK:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)


def _joined(waiting: Sequence[Arrays]) -> Arrays:
    frames, motion, residual = zip(*waiting, strict=True)
    return np.concatenate(frames), np.concatenate(motion), np.concatenate(residual)
