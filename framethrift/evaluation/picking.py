"""Which frames a frame selector picks for each question: candidates, scores and choice, whatever model looks at them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framethrift.codec import sample_times
from framethrift.codec.energy import packet_bytes
from framethrift.config.sampling import Replay, Select, Tiered
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask, draws, within
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.clip import ClipScorer, similarity
from framethrift.models.reasoning import scoring_queries
from framethrift.models.sampler import FrameSampler
from framethrift.selectors import SelectionError, SelectorInput, select, select_ranked


@dataclass(frozen=True, eq=False)
class Scoring:
    """What scores candidate frames: a CLIP, and where its embeddings (T, d) of a video's candidates at times (T,) come from."""

    scorer: ClipScorer
    embeddings: Callable[[EncodedVideo], tuple[NDArray[np.float64], NDArray[np.floating]]]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidate frames of one question: `places` (T,) among all of the video's, `times` (T,) seconds, embeddings (T, d)."""

    places: NDArray[np.int64]
    times: NDArray[np.float64]
    embeddings: NDArray[np.floating] | None


@dataclass(frozen=True)
class Picked:
    """Frames chosen for a question, in the order in which they are shown: numbers among the video's candidates, and seconds;
    `queries` scored them, `text` is what a model wrote them in; `ranks`: of each, 0 the best, where their sizes follow them."""

    places: tuple[int, ...]
    times: tuple[float, ...]
    queries: tuple[str, ...] = ()
    text: str = ""
    ranks: tuple[int, ...] = ()


Writer = Callable[[Sequence[Ask], Sequence[Picked]], list[str]]  # questions, previews of their videos → texts with visual queries


class FramePicker:
    """Picks frames under one sampling. `write` lets a model write visual queries; it is needed for `queries: reasoned`.

    Raises ValueError when the sampling scores frames and `scoring` is None, or reasons and nothing can write.
    """

    def __init__(
        self,
        sampling: Select,
        watch: Stopwatch,
        *,
        previews: int,
        scoring: Scoring | None = None,
        write: Writer | None = None,
        sampler: FrameSampler | None = None,
        draw: bool = False,
        seed: int = 0,
    ) -> None:
        if sampling.queries != "none" and scoring is None:
            raise ValueError(f"sampling queries: {sampling.queries!r} needs a CLIP to score frames with")
        if sampling.queries == "reasoned" and write is None:
            raise ValueError("sampling queries: 'reasoned' needs a model that writes them")
        self._sampling, self._watch, self._previews = sampling, watch, previews
        self._scoring, self._write, self._sampler, self._draw, self._seed = scoring, write, sampler, draw, seed

    def __call__(self, asks: Sequence[Ask]) -> list[Picked]:
        """The frames of each question; candidates and embeddings of a video are read once.

        Raises SelectionError when the selector lacks an input, VideoRejected for a bad file.
        """
        known: dict[EncodedVideo, tuple[NDArray[np.float64], NDArray[np.floating] | None]] = {}
        for ask in asks:
            if ask.video not in known:
                known[ask.video] = self._candidates(ask.video)
        candidates = [_inside(*known[ask.video], ask.span) for ask in asks]
        texts = [""] * len(asks)
        if self._sampling.queries == "reasoned" and self._write is not None:
            texts = self._write(asks, [self._preview(given) for given in candidates])
        queries = [self._queries(ask, text) for ask, text in zip(asks, texts, strict=True)]
        with self._watch("clip"):
            embedded = self._embedded(queries)
        with self._watch("select"):
            chosen = [self._choose(ask, given, own) for ask, given, own in zip(asks, candidates, embedded, strict=True)]
        return [
            self._picked(given, own, scored, text)
            for given, own, scored, text in zip(candidates, chosen, queries, texts, strict=True)
        ]

    def _candidates(self, video: EncodedVideo) -> tuple[NDArray[np.float64], NDArray[np.floating] | None]:
        if self._sampling.queries == "none" or self._scoring is None:
            return sample_times(video.path, self._sampling.candidate_fps), None
        with self._watch("clip"):
            return self._scoring.embeddings(video)

    def _picked(self, given: Candidates, chosen: NDArray[np.int64], queries: tuple[str, ...], text: str) -> Picked:
        ranks: NDArray[np.int64] = np.empty(0, np.int64)
        if isinstance(self._sampling, Tiered):  # chosen best first, shown in temporal order
            ranks = np.argsort(chosen)
            chosen = chosen[ranks]
        places, times = tuple(given.places[chosen].tolist()), tuple(given.times[chosen].tolist())
        return Picked(places, times, queries, text, tuple(ranks.tolist()))

    def _queries(self, ask: Ask, text: str) -> tuple[str, ...]:
        """What the frames are scored with: the written queries, the bare question, or nothing."""
        if self._sampling.queries == "none":
            return ()
        return (ask.about,) if self._sampling.queries == "question" else tuple(scoring_queries(text, ask.about))

    def _preview(self, given: Candidates) -> Picked:
        if not self._previews:
            return Picked((), ())
        own = select("uniform", SelectorInput(given.times, None, "", self._previews, np.random.default_rng(0)))
        return Picked(tuple(given.places[own].tolist()), tuple(given.times[own].tolist()))

    def _embedded(self, queries: Sequence[Sequence[str]]) -> list[NDArray[np.float32] | None]:
        """Embeddings (N, d) of what each question's frames are scored with; None without any."""
        texts = sorted({text for written in queries for text in written})
        if self._scoring is None or not texts:
            return [None] * len(queries)
        known = dict(zip(texts, self._scoring.scorer.embed_texts(texts), strict=True))
        return [np.stack([known[text] for text in written]) if written else None for written in queries]

    def _choose(self, ask: Ask, candidates: Candidates, texts: NDArray[np.float32] | None) -> NDArray[np.int64]:
        rng = draws(self._seed, ask.video.video_id, ask.question)
        scores = weights = None
        if texts is not None and candidates.embeddings is not None:
            scores = similarity(texts, candidates.embeddings)
            if self._sampler is not None:
                weights = self._sampler.weights(scores, texts, candidates.embeddings)
        given = SelectorInput(
            timestamps=candidates.times,
            similarity=None if scores is None else scores.astype(np.float64),
            question=ask.about,
            budget=self._sampling.frames,
            rng=rng,
            evidence=ask.evidence or None,
            weights=weights,
            draw=self._draw,
            logit_scale=self._scoring.scorer.logit_scale if self._scoring else 100.0,
            packet_bytes=packet_bytes(ask.video.path, candidates.times) if self._sampling.selector == "packet_size" else None,
            ranked=_ranked(ask),
        )
        if isinstance(self._sampling, Tiered):
            return select_ranked(self._sampling.selector, given)
        try:
            chosen = select(self._sampling.selector, given)
        except SelectionError as error:
            if not isinstance(self._sampling, Replay):
                raise
            raise SelectionError(f"{self._sampling.indices}: question {ask.question_id!r}: {error}") from error
        return rng.permutation(chosen) if self._sampling.order == "shuffled" else chosen


def _ranked(ask: Ask) -> NDArray[np.float64] | None:
    """What a file ranks within the question's span: nothing outside it is shown, and nothing inside stands in for it."""
    if ask.ranked is None:
        return None
    start, end = ask.span
    return np.array([time for time in ask.ranked if start <= time <= end], dtype=np.float64)


def _inside(times: NDArray[np.float64], embeddings: NDArray[np.floating] | None, span: tuple[float, float]) -> Candidates:
    places = np.flatnonzero(within(times, span))
    return Candidates(places, times[places], None if embeddings is None else embeddings[places])
