"""How much a study shows its models: frames, P-frames and tokens of a video of a given length."""

from dataclasses import dataclass

import numpy as np

from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Blind, Chance, Sampling, Select
from framethrift.config.training import KeyFrames
from framethrift.tokens import TokenCosts, plan_stream, token_budget


@dataclass(frozen=True)
class View:
    """What is shown of one video, and its visual tokens."""

    images: float
    deltas: float
    tokens: float

    def __add__(self, other: "View") -> "View":
        return View(self.images + other.images, self.deltas + other.deltas, self.tokens + other.tokens)

    def __mul__(self, share: float) -> "View":
        return View(self.images * share, self.deltas * share, self.tokens * share)


def view(sampling: Sampling, seconds: float, recipe: Recipe, costs: TokenCosts, frames: KeyFrames) -> View:
    """What `sampling` shows of a video of `seconds`, planned by the same function as in training and evaluation."""
    if isinstance(sampling, Blind | Chance):
        return View(0, 0, 0)
    if isinstance(sampling, Select):
        own = costs if frames.grid is None else TokenCosts.of(frames.grid, 0, 0)
        return _frames(sampling.frames, seconds, sampling.candidate_fps, own)
    gop = recipe.gop / recipe.fps
    starts = np.arange(max(1, int(np.ceil(seconds / gop)))) * gop
    slots = recipe.slots_at(sampling.window)
    times = starts[:, None] + np.arange(slots) * (gop / slots)
    items = plan_stream(times, times < max(seconds, 1 / recipe.fps), sampling)
    images = sum(item.kind == "I" for item in items)
    return View(images, len(items) - images, token_budget(items, costs))


def candidates(seconds: float, fps: float) -> int:
    """Candidate frames of a video."""
    return max(1, round(seconds * fps))


def previews(frames: KeyFrames, seconds: float) -> View:
    """The low-resolution preview frames that visual queries are written from."""
    return _frames(frames.previews, seconds, frames.candidate_fps, TokenCosts.of(frames.preview_grid, 0, 0))


def key_frames(frames: KeyFrames, seconds: float, costs: TokenCosts) -> View:
    """The K frames that an answer is given from."""
    own = costs if frames.grid is None else TokenCosts.of(frames.grid, 0, 0)
    return _frames(frames.frames, seconds, frames.candidate_fps, own)


def _frames(count: int, seconds: float, fps: float, costs: TokenCosts) -> View:
    images = min(count, candidates(seconds, fps))
    return View(images, 0, token_budget((images, 0), costs))
