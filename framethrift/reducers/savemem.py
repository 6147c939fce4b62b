"""SAVEMem's three tiers of visual memory (arXiv 2605.07897, Sec. 3): new frames whole, older ones by novelty and meaning.

A token's meaning is its highest cosine to the tokens of five fixed questions. The newest frames stay whole; those before them
keep what their neighbours do not show; still older ones keep a small share by meaning, or a few cluster means (`tiers`). Above
the global budget the least meaningful tokens of the oldest tier go. Knobs: the short tier's frames, as many as the budget holds
beside the other tiers, and the global budget. Grain: one token, or a frame less what thinning takes from it. Floor: the newest
frame. To serve small budgets the middle tier loses tokens once the oldest has none left. The published lengths are 8 and 16
frames; its grid is two frames, here it is one. What the paper does at question time is not part of it: the released gate between
recent and full memory is set per benchmark split and remembers earlier samples, and its retrieval keeps 90 % or more.
"""

import torch
from torch import Tensor

from framethrift.reducers.budget import bisect_steps
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, merge, unit
from framethrift.reducers.tiers import FEW, clustered, news, ranked

QUESTIONS = (
    "what objects are visible ?",
    "how many items or people are there ?",
    "what actions or events are happening ?",
    "what has changed ?",
    "how are things arranged in space ?",
)


def savemem(inputs: ReducerInput, *, short: int | None = None, medium: int = 16) -> Reduced:
    """What the tiers hold after the last frame; `short` and `medium` are their lengths in frames."""
    if inputs.words is None:
        raise ReductionError("words: reducer 'savemem' needs the embeddings of its five questions")
    meaning = _meaning(inputs.tokens, torch.cat([inputs.words(question) for question in QUESTIONS]))
    frames = inputs.frames
    whole = torch.arange(frames * inputs.per_frame, device=inputs.tokens.device).view(frames, -1)
    middle, old = whole.clone(), whole.clone()
    if frames > 1:
        fresh = news(inputs.tokens, meaning, inputs.grid)
        middle[:-1][~fresh] = -1
        # The short tier holds one frame at least, unless it is set to none.
        for frame in range(min(frames - 1, frames - medium - (1 if short is None else short))):
            old[frame] = _old(frame, fresh[frame], inputs, meaning[frame])

    def tiers(newest: int) -> Tensor:
        ages = max(0, frames - newest - medium), frames - newest
        return torch.cat([old[: ages[0]], middle[ages[0] : ages[1]], whole[ages[1] :]])

    if short is None:
        short = bisect_steps(lambda newest: _standing(tiers(newest)), 1, frames, inputs.budget)
    short = min(short, frames)
    into = tiers(short)
    _forget(into, meaning, inputs.budget, short, medium)
    kept, group = into[into >= 0].unique(return_inverse=True)
    flat = into.flatten()
    flat[flat >= 0] = group
    merged = merge(inputs, flat, len(kept), {"short": short, "medium": medium})
    return Reduced(merged.tokens, inputs.places()[kept], merged.origin, merged.into, merged.knobs)


def _standing(into: Tensor) -> int:
    return len(into[into >= 0].unique())


def _meaning(tokens: Tensor, words: Tensor) -> Tensor:
    """(T, M) highest cosine of each token to the words (L, d)."""
    return (unit(tokens) @ unit(words).T).max(dim=2).values


def _old(frame: int, fresh: Tensor, inputs: ReducerInput, meaning: Tensor) -> Tensor:
    """(M,) where each token of a frame of the long tier goes, −1: nowhere."""
    start = frame * inputs.per_frame
    if int(fresh.sum()) >= FEW:
        stay = ranked(fresh, meaning, inputs.grid)
        return torch.where(stay, torch.arange(start, start + len(stay), device=stay.device), -1)
    if not fresh.any():
        return torch.full_like(fresh, -1, dtype=torch.int64)
    into = clustered(fresh, inputs.tokens[frame], inputs.grid)
    return torch.where(into >= 0, into + start, -1)


def _forget(into: Tensor, meaning: Tensor, budget: int, whole: int, medium: int) -> None:
    """Drop the least meaningful tokens above the budget, in place: the long tier's first, then the middle tier's."""
    frames, size = into.shape
    stands = torch.zeros(frames * size, dtype=torch.bool, device=into.device)
    stands[into[into >= 0]] = True
    over = int(stands.sum()) - budget
    old = max(0, frames - whole - medium)
    for first, last in ((0, old), (old, frames - whole)):
        if over <= 0:
            return
        there = stands[first * size : last * size].nonzero()[:, 0] + first * size
        least = there[meaning.flatten()[there].argsort(stable=True)[:over]]
        into[torch.isin(into, least)] = -1
        over -= len(least)


REDUCER = Reducer(savemem, needs=("words",), fixes=("short", "medium"), floor=lambda frames, per_frame: per_frame)
