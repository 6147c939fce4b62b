"""What a token reducer gets and gives: (tokens, timestamps, grid, question, attention, budget) → kept tokens with places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Need = Literal["question", "words", "attention", "keys"]


class ReductionError(ValueError):
    """A reducer was asked for something it cannot do; the message names the missing or wrong input."""


@dataclass(frozen=True, eq=False)
class ReducerInput:
    """One video as the language model would read it.

    tokens: (T, M, d) after the projector, M = h · w in reading order. timestamps: T seconds, increasing. grid: (h, w).
    share: of the tokens to keep, in (0, 1]. seed: of every random draw.
    question: (L, d) token embeddings of the question. words: gives the token embeddings (L, d) of any text.
    attention: (T, M) attention that a token receives in the image encoder, averaged over heads and asking tokens.
    keys: (T, M, d_k) the encoder's key vectors.
    Raises ReductionError when shapes disagree or the share is out of range.
    """

    tokens: Tensor
    timestamps: Sequence[float]
    grid: tuple[int, int]
    share: float
    seed: int = 0
    question: Tensor | None = None
    words: Callable[[str], Tensor] | None = None
    attention: Tensor | None = None
    keys: Tensor | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.tokens.shape)
        if len(shape) != 3 or not all(shape) or shape[1] != self.grid[0] * self.grid[1]:
            raise ReductionError(
                f"tokens: shape {shape}; expected (frames, {self.grid[0]} x {self.grid[1]}, width), none of them 0"
            )
        if len(self.timestamps) != shape[0]:
            raise ReductionError(f"timestamps: {len(self.timestamps)} for {shape[0]} frames")
        if not 0 < self.share <= 1:
            raise ReductionError(f"share: {self.share}; allowed: above 0, at most 1")
        for name, given, wanted in (("attention", self.attention, shape[:2]), ("keys", self.keys, shape[:2])):
            if given is not None and tuple(given.shape[:2]) != wanted:
                raise ReductionError(f"{name}: shape {tuple(given.shape)}; expected {wanted} tokens")

    @property
    def frames(self) -> int:
        """T, the number of frames."""
        return self.tokens.shape[0]

    @property
    def per_frame(self) -> int:
        """M, the tokens of a frame."""
        return self.tokens.shape[1]

    @property
    def budget(self) -> int:
        """Tokens that may be kept: share · T · M, rounded down, at least one."""
        return max(1, int(self.share * self.frames * self.per_frame + 1e-6))

    def flat(self) -> Tensor:
        """(T · M, d) tokens in reading order."""
        return self.tokens.flatten(0, 1)

    def places(self) -> Tensor:
        """(T · M, 3) float64 places (frame, row, column) of the tokens in reading order."""
        axes = [torch.arange(n, dtype=torch.float64) for n in (self.frames, *self.grid)]
        return torch.cartesian_prod(*axes).view(-1, 3).to(self.tokens.device)


@dataclass(frozen=True, eq=False)
class Reduced:
    """K kept tokens in the order in which the language model reads them.

    tokens: (K, d). places: (K, 3) float64 (frame, row, column), fractions where a token stands for several.
    origin, into: (P,) int64 pairs: original token origin[p] (of T · M) went into kept token into[p]; dropped ones are in no pair.
    knobs: what the method's own settings were driven to.
    """

    tokens: Tensor
    places: Tensor
    origin: Tensor
    into: Tensor
    knobs: dict[str, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """K."""
        return len(self.tokens)


@dataclass(frozen=True)
class Reducer:
    """A method: `reduce(inputs, *, option=…)`, the optional inputs it `needs`, and the fewest tokens it can go down to.

    `fixes` names the options that set the knob which the budget drives otherwise: with one of them the budget does not bind.
    `floor(frames, tokens per frame)` belongs to the published algorithm (DyCoke keeps every fourth frame whole, for example);
    a budget below it is answered with the floor. Methods that choose their own number stay at or below the budget.
    """

    reduce: Callable[..., Reduced]
    needs: tuple[Need, ...] = ()
    fixes: tuple[str, ...] = ()
    floor: Callable[[int, int], int] = lambda frames, per_frame: 1


def keep(inputs: ReducerInput, indices: Tensor, knobs: dict[str, float] | None = None) -> Reduced:
    """The original tokens at `indices` (K,) or where a mask (T · M,) or (T, M) is True, unchanged, in reading order."""
    chosen = indices.flatten().nonzero()[:, 0] if indices.dtype == torch.bool else indices.sort().values
    columns = inputs.grid[1]
    frame, cell = chosen // inputs.per_frame, chosen % inputs.per_frame
    places = torch.stack([frame, cell // columns, cell % columns], dim=1).to(torch.float64)
    return Reduced(inputs.flat()[chosen], places, chosen, torch.arange(len(chosen), device=chosen.device), knobs or {})


def merge(inputs: ReducerInput, into: Tensor, count: int, knobs: dict[str, float] | None = None) -> Reduced:
    """Means of groups: original token n goes to kept token into[n] (-1: dropped); a kept token stands at its members' mean.

    Raises ReductionError for a group without members.
    """
    origin = (into >= 0).nonzero()[:, 0]
    group = into[origin]
    sizes = torch.bincount(group, minlength=count)
    if (sizes == 0).any():
        raise ReductionError(f"merge: {int((sizes == 0).sum())} of {count} groups have no members")
    places = group_means(inputs.places()[origin], group, sizes)
    return Reduced(group_means(inputs.flat()[origin], group, sizes), places, origin, group, knobs or {})


def group_means(values: Tensor, group: Tensor, sizes: Tensor) -> Tensor:
    """(count, d) means of rows (n, d) by group (n,); sizes (count,)."""
    sums = values.new_zeros((len(sizes), values.shape[1])).index_add_(0, group, values)
    return sums.div_(sizes[:, None].to(values.dtype))


def unit(vectors: Tensor) -> Tensor:
    """Rows of length one; a zero row stays zero, so that its cosine with anything is zero."""
    return functional.normalize(vectors.float(), dim=-1)


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosines (…) of rows (…, d) with rows of the same place; 0 where one of them is zero."""
    dot = torch.linalg.vecdot(first, second).float()
    lengths = torch.linalg.vector_norm(first.float(), dim=-1) * torch.linalg.vector_norm(second.float(), dim=-1)
    return torch.where(lengths > 0, dot / lengths.clamp_min(torch.finfo(torch.float32).tiny), torch.zeros_like(dot)).clamp(-1, 1)
