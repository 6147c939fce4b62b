"""Videos shown as token streams: key frames and fused P-frames of their GOPs (CoPE Sec. 3.2 and 4.1)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from framethrift.codec import read_frames, read_gops
from framethrift.config.sampling import Stream
from framethrift.evaluation.portions import MOST, portions
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask, Shown, View, draws, within
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.delta_encoder import TokenUse
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import Slots, StreamItem, adaptive_slots, last_p_frames, require_fit, token_budget

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]  # frames (a, H, W, 3), motion (b, H, W, 2), residual (b, H, W, 3)


class StreamViewer:
    """Shows videos as token streams to one model under one sampling."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        sampling: Stream,
        watch: Stopwatch,
        seed: int = 0,
        name: str = "",
    ) -> None:
        self._model, self._processor, self._sampling, self._watch, self._seed = model, processor, sampling, watch, seed
        self._name = name or sampling.model_dump_json(exclude_defaults=True)

    @torch.inference_mode()
    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`.

        Raises VideoRejected for a bad file, ValueError for a swap without a donor or its P-frames, ContextOverflow for a stream
        that is too long for the model, before anything is read.
        """
        slots = {video: self._slots(video) for video in {ask.video: None for ask in asks}}
        # A summary of a GOP is made of all its P-frames.
        every = self._sampling.model_copy(update={"delta": "keep"}) if self._sampling.delta == "gop-mean" else self._sampling
        planned = [tuple(plan(slots[ask.video], every, ask.span)) for ask in asks]
        if self._sampling.reducer is None:
            for ask, items in zip(asks, planned, strict=True):
                self._require_fit(ask, items)
        wanted: dict[EncodedVideo, set[StreamItem]] = {}
        for ask, items in zip(asks, planned, strict=True):
            wanted.setdefault(ask.video, set()).update(items)
        donors = {ask.video: ask.donor for ask in asks}
        seen = {video: self._see(video, slots[video], donors[video], items) for video, items in wanted.items()}
        shown: dict[tuple[EncodedVideo, tuple[StreamItem, ...]], Shown] = {}
        for ask, items in zip(asks, planned, strict=True):
            # Questions about different clips of a video share its reading; those about the same clip share all.
            if (ask.video, items) not in shown:
                shown[ask.video, items] = self._shown(ask.video, items, seen[ask.video])
        return [View(shown[ask.video, items]) for ask, items in zip(asks, planned, strict=True)]

    def _require_fit(self, ask: Ask, items: Sequence[StreamItem]) -> None:
        shown = last_p_frames(items) if self._sampling.delta == "gop-mean" else items
        context = self._model.config.text_config.max_position_embeddings
        require_fit(shown, self._processor.costs(), context, self._processor.text_tokens(ask.question), self._name)

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown, or what adaptive fusion may spend; nothing is decoded."""
        if self._sampling.budget is not None:
            return self._sampling.budget
        # Adaptive fusion spends what fixed fusion would, over the whole video.
        span = ask.span if self._sampling.fusion == "fixed" else (0.0, math.inf)
        return token_budget(plan(ask.video.slots(self._sampling.window), self._sampling, span), self._processor.costs())

    def _slots(self, video: EncodedVideo) -> Slots:
        if self._sampling.fusion == "fixed":
            return video.slots(self._sampling.window)
        facts = video.path, video.keyframes, video.frames, video.fps, video.window
        with self._watch("read"):
            return adaptive_slots(*facts, self._sampling, self._processor.costs())

    def _see(self, video: EncodedVideo, slots: Slots, donor: EncodedVideo | None, items: set[StreamItem]) -> "_Seen":
        """Features of I-frames and embeddings of P-frames of all `items` of a video.

        With `delta: swap`, P-frames are the donor's in order, from the start again if it has fewer.
        """
        ordered = sorted(items, key=lambda item: (item.gop, item.slot, item.kind))
        images = [item for item in ordered if item.kind == "I"]
        fused = [item for item in ordered if item.kind == "P"]
        if self._sampling.delta != "swap" or not fused:
            return _Seen(images, fused, *self.encode(video, slots, ordered))
        if donor is None:
            raise ValueError(f"sampling delta: swap needs a second video in the split of {video.path}")
        theirs = self._slots(donor)
        given = [item for item in theirs.plan(self._sampling) if item.kind == "P"]
        if not given:
            raise ValueError(f"sampling delta: swap found no P-frame in {donor.path} to show for {video.path}")
        features, deltas = self.encode(video, slots, images)[0], self.encode(donor, theirs, given)[1]
        return _Seen(images, fused, features, deltas[torch.arange(len(fused), device=deltas.device) % len(given)])

    def _shown(self, video: EncodedVideo, items: Sequence[StreamItem], seen: "_Seen") -> Shown:
        if self._sampling.delta == "gop-mean":
            items, seen = last_p_frames(items), seen.averaged(items)
        if self._sampling.order == "shuffled":
            order = draws(self._seed, video.video_id).permutation(len(items))
            items = [items[index] for index in order.tolist()]
        features, deltas = seen.features(items), seen.deltas(items)
        grids = (self._processor.grid,) * len(features)
        cost = token_budget(items, self._processor.costs())
        return Shown(tuple(items), self._processor.expand(items), features, grids, deltas, cost)

    def encode(self, video: EncodedVideo, slots: Slots, items: Sequence[StreamItem]) -> tuple[Tensor, Tensor]:
        """Image features of the I-frames and Δ-embeddings of the P-frames among `items`."""
        features, deltas, device = [], [], self._model.device
        for frames, motion, residual in self._chunks(self._arrays(video, slots, items)):
            for part in portions(len(frames), self._processor.image_size, device):
                with self._watch("vision"):
                    features.append(self._model.vision_features(self._processor.pixels(frames[part]).to(device)))
            for part in portions(len(motion), self._processor.primitives_size, device):
                with self._watch("delta"):
                    tau, delta = self._processor.primitives(motion[part], residual[part])
                    deltas.append(self._model.delta_embeddings(tau.to(device), delta.to(device), self._use()))
        nothing = torch.empty(0, device=device)
        return torch.cat(features) if features else nothing, torch.cat(deltas) if deltas else nothing

    def _use(self) -> TokenUse:
        """What happens to the Δ-tokens of each P-frame; the other uses decide what is read instead, or what becomes of them."""
        delta = self._sampling.delta
        return "keep" if delta == "drop" or delta == "swap" or delta == "gop-mean" else delta

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
            if sum(len(frames) + len(motion) for frames, motion, _ in waiting) >= MOST:
                yield _joined(waiting)
                waiting = []
        if waiting:
            yield _joined(waiting)


def plan(slots: Slots, sampling: Stream, span: tuple[float, float]) -> list[StreamItem]:
    """The stream's items in temporal order, within a question's span."""
    return clipped(slots, span).plan(sampling)


def clipped(slots: Slots, span: tuple[float, float]) -> Slots:
    """The slots that stand `within` a span of seconds; errors as there."""
    inside = np.zeros_like(slots.valid)
    inside[slots.valid] = within(slots.times[slots.valid], span)
    return replace(slots, valid=inside)


class _Seen:
    """What the networks made of some items of one video, to be put together in any order."""

    def __init__(self, images: Sequence[StreamItem], fused: Sequence[StreamItem], features: Tensor, deltas: Tensor) -> None:
        self._images, self._features, self._deltas = images, features, deltas
        self._place = {item: index for kind in (images, fused) for index, item in enumerate(kind)}

    def averaged(self, items: Sequence[StreamItem]) -> "_Seen":
        """With one P-frame per GOP, the last of those among `items`, whose Δ-embeddings are the mean of all of theirs."""
        last = [item for item in last_p_frames(items) if item.kind == "P"]
        places = [[self._place[item] for item in items if item.kind == "P" and item.gop == one.gop] for one in last]
        means = [self._deltas[own].mean(dim=0) for own in places]
        return _Seen(self._images, last, self._features, torch.stack(means) if means else self._deltas[:0])

    def features(self, items: Sequence[StreamItem]) -> Tensor:
        """Image features (n_I, patches, d_v) of the I-frames among `items`, in their order."""
        return self._features[[self._place[item] for item in items if item.kind == "I"]]

    def deltas(self, items: Sequence[StreamItem]) -> Tensor | None:
        """Δ-embeddings (n_P, N, d_llm) of the P-frames among `items`, in their order; None without any."""
        places = [self._place[item] for item in items if item.kind == "P"]
        return self._deltas[places] if places else None


def _joined(waiting: Sequence[Arrays]) -> Arrays:
    frames, motion, residual = zip(*waiting, strict=True)
    return np.concatenate(frames), np.concatenate(motion), np.concatenate(residual)
