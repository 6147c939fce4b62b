"""Videos shown as K frames that a frame selector picks per question (MSJoE 1.2, and every rival)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.codec import read_frames, sample_times
from framethrift.codec.energy import packet_bytes
from framethrift.config.sampling import Select
from framethrift.config.training import KeyFrames
from framethrift.evaluation.decoding import decode
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import NOTHING, Ask, Shown, View
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.clip import ClipScorer, similarity
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import QUERY_TOKENS, query_prompt, scoring_queries
from framethrift.models.sampler import UNetSampler
from framethrift.selectors import SelectorInput, select
from framethrift.tokens import StreamItem, token_budget

CHUNK = 64  # frames that go through the tower at a time


@dataclass(frozen=True, eq=False)
class Scoring:
    """What scores candidate frames: a CLIP, and where its embeddings (T, d) of a video's candidates at times (T,) come from."""

    scorer: ClipScorer
    embeddings: Callable[[EncodedVideo], tuple[NDArray[np.float64], NDArray[np.floating]]]


class SelectViewer:
    """Shows frames picked by a selector to one model; the same model writes the visual queries from low-resolution previews."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        sampling: Select,
        watch: Stopwatch,
        *,
        key_frames: KeyFrames,
        scoring: Scoring | None = None,
        sampler: UNetSampler | None = None,
        draw: bool = False,
        seed: int = 0,
    ) -> None:
        if sampling.queries != "none" and scoring is None:
            raise ValueError(f"sampling queries: {sampling.queries!r} needs a CLIP to score frames with")
        self._model, self._processor, self._sampling, self._watch = model, processor, sampling, watch
        self._key_frames, self._scoring, self._sampler, self._draw, self._seed = key_frames, scoring, sampler, draw, seed

    @torch.inference_mode()
    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`. Raises SelectionError when the selector lacks an input, VideoRejected for a bad file."""
        frames: dict[EncodedVideo, _Frames] = {}
        for ask in asks:
            if ask.video not in frames:
                frames[ask.video] = _Frames(ask.video, self._candidates(ask.video))
        texts = self._written(asks, frames) if self._sampling.queries == "reasoned" else [""] * len(asks)
        queries = [self._queries(ask, text) for ask, text in zip(asks, texts, strict=True)]
        with self._watch("clip"):
            scores = self._similarities(asks, queries, frames)
        with self._watch("select"):
            chosen = [self._chosen(ask, score, frames[ask.video]) for ask, score in zip(asks, scores, strict=True)]
        for ask, indices in zip(asks, chosen, strict=True):
            frames[ask.video].wanted.update(indices)
        for video in frames.values():
            self._encode(video)
        known: dict[tuple[EncodedVideo, tuple[int, ...]], Shown] = {}
        views = []
        for ask, indices, scored, text in zip(asks, chosen, queries, texts, strict=True):
            key = ask.video, indices
            if key not in known:
                known[key] = self._shown(frames[ask.video], indices, self._key_frames.grid or self._processor.grid)
            views.append(View(known[key], scored, text))
        return views

    def _candidates(self, video: EncodedVideo) -> tuple[NDArray[np.float64], NDArray[np.floating] | None]:
        if self._sampling.queries == "none" or self._scoring is None:
            return sample_times(video.path, self._sampling.candidate_fps), None
        with self._watch("clip"):
            return self._scoring.embeddings(video)

    def _queries(self, ask: Ask, text: str) -> tuple[str, ...]:
        """What the frames are scored with: the written queries, the bare question, or nothing."""
        if self._sampling.queries == "none":
            return ()
        return (ask.question,) if self._sampling.queries == "question" else tuple(scoring_queries(text, ask.question))

    def _written(self, asks: Sequence[Ask], frames: "dict[EncodedVideo, _Frames]") -> list[str]:
        """The model's text of visual queries per question, from previews that its video's questions share."""
        conversations = []
        for video, seen in frames.items():
            previews = self._previews(seen)
            seen.wanted.update(previews)
            self._encode(seen)
            shown = self._shown(seen, previews, self._key_frames.preview_grid) if previews else NOTHING
            prompts = [query_prompt(ask.question) for ask in asks if ask.video == video]
            conversations.append(shown.conversation(self._processor, prompts))
        tokenizer = self._processor.tokenizer
        with self._watch("reason"):
            written = decode(self._model, tokenizer, conversations, QUERY_TOKENS)
        by_video = {video: iter(answers) for video, answers in zip(frames, written, strict=True)}
        return [tokenizer.decode(next(by_video[ask.video])) for ask in asks]

    def _previews(self, video: "_Frames") -> tuple[int, ...]:
        if not self._key_frames.previews:
            return ()
        spread = SelectorInput(video.times, None, "", self._key_frames.previews, np.random.default_rng(0))
        return tuple(select("uniform", spread).tolist())

    def _similarities(
        self, asks: Sequence[Ask], queries: Sequence[Sequence[str]], frames: "dict[EncodedVideo, _Frames]"
    ) -> list[NDArray[np.float32] | None]:
        texts = sorted({text for written in queries for text in written})
        if self._scoring is None or not texts:
            return [None] * len(asks)
        embedded = dict(zip(texts, self._scoring.scorer.embed_texts(texts), strict=True))
        scores: list[NDArray[np.float32] | None] = []
        for ask, written in zip(asks, queries, strict=True):
            candidates = frames[ask.video].embeddings
            if candidates is None or not written:
                scores.append(None)
            else:
                scores.append(similarity(np.stack([embedded[text] for text in written]), candidates))
        return scores

    def _chosen(self, ask: Ask, scores: NDArray[np.float32] | None, video: "_Frames") -> tuple[int, ...]:
        weights = None if self._sampler is None or scores is None else self._sampler.weights(scores)
        # A draw depends on the question and the seed only: not on order, batch or shard.
        name = hashlib.sha256(f"{ask.video.video_id}\n{ask.question}".encode()).digest()
        given = SelectorInput(
            timestamps=video.times,
            similarity=None if scores is None else scores.astype(np.float64),
            question=ask.question,
            budget=self._sampling.frames,
            rng=np.random.default_rng([self._seed, int.from_bytes(name[:8], "big")]),
            evidence=ask.evidence or None,
            weights=weights,
            draw=self._draw,
            logit_scale=self._scoring.scorer.logit_scale if self._scoring else 100.0,
            packet_bytes=packet_bytes(video.path, video.times) if self._sampling.selector == "packet_size" else None,
        )
        return tuple(select(self._sampling.selector, given).tolist())

    def _encode(self, video: "_Frames") -> None:
        """Tower features of the wanted frames that have none yet."""
        new = sorted(video.wanted - video.features.keys())
        for start in range(0, len(new), CHUNK):
            indices = new[start : start + CHUNK]
            with self._watch("read"):
                pictures = read_frames(video.path, video.times[indices])
            with self._watch("vision"):
                features = self._model.vision_features(self._processor.pixels(pictures).to(self._model.device))
            video.features.update(zip(indices, features, strict=True))

    def _shown(self, video: "_Frames", indices: Sequence[int], grid: int) -> Shown:
        items = tuple(StreamItem("I", 0, index, float(video.times[index])) for index in indices)
        features = torch.stack([video.features[index] for index in indices])
        grids = (grid,) * len(items)
        cost = token_budget(items, self._processor.costs(grid))
        return Shown(items, self._processor.expand(items, grids), features, grids, None, cost)


class _Frames:
    """Candidate frames of one video, and the tower features of those that were needed."""

    def __init__(self, video: EncodedVideo, candidates: tuple[NDArray[np.float64], NDArray[np.floating] | None]) -> None:
        self.path = video.path
        self.times, self.embeddings = candidates
        self.wanted: set[int] = set()
        self.features: dict[int, Tensor] = {}
