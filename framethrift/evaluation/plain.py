"""A baseline of another class behind the same frames and questions: frames are picked, seen once, and asked about."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framethrift.codec import read_frames
from framethrift.config.sampling import Blind, Sampling, Select, Stream, Tiered
from framethrift.config.training import KeyFrames
from framethrift.evaluation.answering import Answer
from framethrift.evaluation.backbones import Backbone, OpenBackbone, Seen
from framethrift.evaluation.backbones.reduced import ReducedBackbone
from framethrift.evaluation.picking import FramePicker, FrameSampler, Picked, Scoring
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask, draws
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.evaluation.streams import plan
from framethrift.models.reasoning import QUERY_TOKENS, query_prompt

TOKENS_PER_FRAME = 196  # a guess, for deciding how many videos are looked at together

Pictures = dict[EncodedVideo, dict[float, NDArray[np.uint8]]]


class PlainAnswerer:
    """Answers with a baseline under one sampling, greedily: an `Answering`.

    Where the class allows, visual tokens are reduced and costs are told; queries are written from whole previews all the same.

    Raises ValueError for a sampling that the baseline cannot be shown, or that needs a CLIP when `scoring` is None.
    """

    def __init__(
        self,
        backbone: Backbone,
        sampling: Sampling,
        watch: Stopwatch,
        *,
        key_frames: KeyFrames,
        scoring: Scoring | None = None,
        sampler: FrameSampler | None = None,
        draw: bool = False,
        seed: int = 0,
    ) -> None:
        self.watch = watch
        self._backbone, self._sampling, self._key_frames, self._seed = backbone, sampling, key_frames, seed
        reduction = sampling.reducer if isinstance(sampling, Select | Stream) else None
        self._reduced = ReducedBackbone(backbone, reduction, seed) if isinstance(backbone, OpenBackbone) else None
        if reduction is not None and self._reduced is None:
            raise ValueError(f"reducer {reduction.name!r}: a {type(backbone).__name__} needs its visual tokens in their grid")
        if isinstance(sampling, Tiered):
            raise ValueError(f"sampling kind: tiered: a {type(backbone).__name__} sees all frames at one size; use kind: select")
        self._pick: Callable[[Sequence[Ask]], list[Picked]]
        if isinstance(sampling, Select) and sampling.rest == "drop":
            reading: dict[str, Any] = {"previews": key_frames.previews, "scoring": scoring, "write": self._write}
            self._pick = FramePicker(sampling, watch, **reading, sampler=sampler, draw=draw, seed=seed)
        elif isinstance(sampling, Blind) or (
            isinstance(sampling, Stream) and sampling.delta == "drop" and sampling.fusion == "fixed"
        ):
            self._pick = lambda asks: [self._planned(ask) for ask in asks]
        else:
            raise ValueError(f"sampling {sampling.model_dump()}: a baseline of another class reads no Δ-tokens")

    def cost(self, ask: Ask) -> int:
        """As `Answering`."""
        frames = self._sampling.frames if isinstance(self._sampling, Select) else len(self._planned(ask).times)
        return frames * TOKENS_PER_FRAME

    def answer(self, asks: Sequence[Ask], lengths: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """As `Answering`."""
        began = self.watch.now()
        picked = self._pick(asks)
        groups = _together(asks, picked)
        pictures = self._read(asks, picked)
        picking = (self.watch.now() - began) / len(asks)
        for (video, times), indices in groups.items():
            began = self.watch.now()
            seen = self._see(self._asked, pictures, video, picked[indices[0]]) if times else None
            looking = (self.watch.now() - began) / len(indices)
            for index in indices:
                began = self.watch.now()
                with self.watch("answer"):
                    raw = self._asked.answer(asks[index].question, seen, lengths[index])
                seconds = picking + looking + self.watch.now() - began
                yield index, self._recorded(asks[index], picked[index], seen, raw, seconds)

    def _recorded(self, ask: Ask, picked: Picked, seen: Seen | None, raw: str, seconds: float) -> Answer:
        shown: list[dict[str, float | str]] = [{"time": round(time, 6), "kind": "I"} for time in picked.times]
        prompt = self._backbone.prompt(ask.question, shown=seen is not None)
        tokens = 0 if seen is None else len(seen.tokens)
        costs = self._reduced.costs(ask.question, seen) if self._reduced else {}
        return Answer(raw, prompt, shown, tokens, list(picked.queries), picked.text, seconds, costs)

    def _planned(self, ask: Ask) -> Picked:
        """The key frames of a stream, or nothing for the blind control."""
        if not isinstance(self._sampling, Stream):
            return Picked((), ())
        items = plan(ask.video.slots(self._sampling.window), self._sampling, ask.span)
        if self._sampling.order == "shuffled":
            items = [items[index] for index in draws(self._seed, ask.video.video_id).permutation(len(items)).tolist()]
        return Picked(tuple(range(len(items))), tuple(item.time for item in items))

    def _write(self, asks: Sequence[Ask], previews: Sequence[Picked]) -> list[str]:
        """The model's text of visual queries per question, from previews that questions about one clip share."""
        texts = [""] * len(asks)
        pictures = self._read(asks, previews)
        for (video, times), indices in _together(asks, previews).items():
            tokens = self._key_frames.preview_tokens
            seen = self._see(self._backbone, pictures, video, previews[indices[0]], tokens) if times else None
            with self.watch("reason"):
                for index in indices:
                    texts[index] = self._backbone.answer(query_prompt(asks[index].about, "instruct"), seen, QUERY_TOKENS)
        return texts

    def _read(self, asks: Sequence[Ask], picked: Sequence[Picked]) -> Pictures:
        """Every picked frame, each video read once."""
        wanted: dict[EncodedVideo, set[float]] = {}
        for ask, own in zip(asks, picked, strict=True):
            wanted.setdefault(ask.video, set()).update(own.times)
        with self.watch("read"):
            return {
                video: dict(zip(sorted(times), read_frames(video.path, sorted(times)), strict=True))
                for video, times in wanted.items()
                if times
            }

    @property
    def _asked(self) -> Backbone:
        """What the questions are put to."""
        return self._reduced or self._backbone

    def _see(
        self, backbone: Backbone, pictures: Pictures, video: EncodedVideo, picked: Picked, tokens: int | None = None
    ) -> Seen:
        frames = np.stack([pictures[video][time] for time in picked.times])
        with self.watch("vision"):
            return backbone.see(frames, picked.times, tokens)


def _together(asks: Sequence[Ask], picked: Sequence[Picked]) -> dict[tuple[EncodedVideo, tuple[float, ...]], list[int]]:
    """Indices of the questions that are shown the same frames of the same video."""
    groups: dict[tuple[EncodedVideo, tuple[float, ...]], list[int]] = {}
    for index, (ask, own) in enumerate(zip(asks, picked, strict=True)):
        groups.setdefault((ask.video, own.times), []).append(index)
    return groups
