"""VideoScan's carriers without its training (arXiv 2503.09387): one mean token per frame, in a memory of limited length.

The paper fine-tunes the model in two stages so that a carrier's keys and values remember its frame at every layer. Only the
carriers' embeddings are kept here, with a frozen model: a training-free variant, not the paper's results. Frames arrive one by
one; above the limit, the earlier of the two most similar neighbours goes. Knob: the memory's length. Grain: one token; with a
budget above one token per frame, all carriers and no more. The release's "VideoScan+" also keeps each frame's 16 most attended
keys and values; without carriers' keys and values there is nothing to add them to.
"""

import torch
from torch import Tensor

from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, cosine, merge


def videoscan(inputs: ReducerInput, *, limit: int | None = None) -> Reduced:
    """The remembered frames' mean tokens, in the middle of their frames; `limit` of them, by default as the budget asks."""
    length = min(inputs.frames, limit or inputs.budget)
    frames = _remembered(inputs.tokens.mean(dim=1), length)
    into = torch.full((inputs.frames,), -1, device=inputs.tokens.device)
    into[frames] = torch.arange(len(frames), device=into.device)
    return merge(inputs, into.repeat_interleave(inputs.per_frame), len(frames), {"limit": length})


def _remembered(carriers: Tensor, limit: int) -> list[int]:
    """Frames whose carriers are left after all have arrived in a memory of `limit`."""
    kept: list[int] = []
    likeness: list[float] = []  # of each kept carrier with the next one
    neighbours = cosine(carriers[1:], carriers[:-1]).tolist()
    for frame in range(len(carriers)):
        if kept:
            last = kept[-1]
            likeness.append(neighbours[last] if last == frame - 1 else float(cosine(carriers[last], carriers[frame])))
        kept.append(frame)
        if len(kept) > limit:
            gone = max(range(len(likeness)), key=likeness.__getitem__)
            kept.pop(gone)
            likeness.pop(gone)
            if gone:
                likeness[gone - 1] = float(cosine(carriers[kept[gone - 1]], carriers[kept[gone]]))
    return kept


REDUCER = Reducer(videoscan, fixes=("limit",))
