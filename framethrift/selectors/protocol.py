"""What a frame selector gets and gives: (timestamps, similarity, question, budget, rng) → frame indices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class SelectionError(ValueError):
    """A selector was asked for something it cannot do; the message names the missing or wrong input."""


@dataclass(frozen=True, eq=False)
class SelectorInput:
    """One question about one video.

    timestamps: (T,) seconds of the candidate frames, increasing.
    similarity: (N, T) cosines of N visual queries, or None.
    question: the question's text. budget: K, frames wanted. rng: source of every random draw.
    evidence: [start, end] seconds in which the answer shows (oracle only).
    weights: (T,) log-probabilities of the sampler network (msjoe only).
    draw: msjoe draws from the weights instead of taking the K largest.
    logit_scale: the CLIP's exp(temperature), which turns cosines into logits (100 for CLIP ViT-L/14).
    packet_bytes: (T,) bytes the codec spent from each candidate to the next (packet_size only).
    ranked: (n,) seconds that another selector has chosen, best first (replay only).
    Raises SelectionError when shapes disagree, a value is not finite or the budget is below 1.
    """

    timestamps: Floats
    similarity: Floats | None
    question: str
    budget: int
    rng: np.random.Generator
    evidence: Sequence[tuple[float, float]] | None = None
    weights: Floats | None = None
    draw: bool = False
    logit_scale: float = 100.0
    packet_bytes: Floats | None = None
    ranked: Floats | None = None

    def __post_init__(self) -> None:
        frames = len(self.timestamps)
        if frames == 0:
            raise SelectionError("timestamps: no candidate frame; the video is shorter than one candidate interval")
        if self.budget < 1:
            raise SelectionError(f"budget: {self.budget} frames; allowed: at least 1")
        if self.similarity is not None:
            shape = self.similarity.shape
            if len(shape) != 2 or shape[0] < 1 or shape[1] != frames:
                raise SelectionError(f"similarity: shape {shape}; expected (queries, {frames}) with at least one query")
            if not np.isfinite(self.similarity).all():
                raise SelectionError("similarity: holds a value that is not finite")
        if self.packet_bytes is not None and self.packet_bytes.shape != (frames,):
            raise SelectionError(f"packet_bytes: shape {self.packet_bytes.shape}; expected ({frames},)")
        if self.ranked is not None and (self.ranked.ndim != 1 or not np.isfinite(self.ranked).all()):
            raise SelectionError(f"ranked: shape {self.ranked.shape}; expected (n,) finite seconds")
        if self.weights is not None:
            if self.weights.shape != (frames,):
                raise SelectionError(f"weights: shape {self.weights.shape}; expected ({frames},)")
            if np.isnan(self.weights).any():
                raise SelectionError("weights: holds NaN")

    @property
    def frames(self) -> int:
        """T, the number of candidate frames."""
        return len(self.timestamps)

    def scores(self) -> Floats:
        """(N, T) similarity; SelectionError where it is missing."""
        if self.similarity is None:
            raise SelectionError("similarity: this selector needs queries; set the sampling's `queries` to reasoned or question")
        return np.asarray(self.similarity, dtype=np.float64)

    def best(self) -> Floats:
        """(T,) similarity of each frame to its best query: how methods made for one query read several."""
        return self.scores().max(axis=0)


class Selector(Protocol):
    """A frame selector: SelectorInput → int64 frame indices, increasing."""

    def __call__(self, inputs: SelectorInput) -> Indices: ...


def largest(values: Floats, count: int) -> Indices:
    """Indices of the `count` largest values, best first; equal values: the earlier frame first."""
    return np.argsort(-values, kind="stable")[:count].astype(np.int64)


def unit_range(values: Floats) -> Floats:
    """Values brought to [0, 1] by their minimum and maximum; equal values become 0."""
    spread = values.max() - values.min()
    return (values - values.min()) / spread if spread > 0 else np.zeros_like(values)


def fill(chosen: Indices, order: Indices, budget: int) -> Indices:
    """`chosen` without repeats, completed to `budget` from `order` (indices, best first), increasing."""
    kept = list(dict.fromkeys(int(index) for index in chosen))[:budget]
    taken = set(kept)
    for index in order:
        if len(kept) == budget:
            break
        if int(index) not in taken:
            kept.append(int(index))
            taken.add(int(index))
    return np.array(sorted(kept), dtype=np.int64)
