"""How much a study shows its models: frames, P-frames and tokens of a video of a given length."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Blind, Chance, Sampling, Select, Tiered
from framethrift.config.training import KeyFrames
from framethrift.tokens import TokenCosts, frames_budget, plan_stream, tier_sides, token_budget


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
    if isinstance(sampling, Tiered):
        side = frames.grid or math.isqrt(costs.image_tokens)
        sides = tier_sides(sampling, side, candidates(seconds, sampling.candidate_fps))
        return View(len(sides), 0, frames_budget(sides))
    if isinstance(sampling, Select):
        own = costs if frames.grid is None else TokenCosts.of(frames.grid, 0, 0)
        shown = _frames(sampling.frames, seconds, sampling.candidate_fps, own)
        if sampling.rest == "drop":
            return shown
        # Where the chosen frames stand is not known: on average as many of them are the codec's own I-frames as slots are.
        slots = int(_slots(seconds, recipe)[1].sum())
        fused = (slots - shown.images) * (1 - 1 / recipe.slots)
        return shown + View(0, fused, fused * costs.p_frame)
    items = plan_stream(*_slots(seconds, recipe, sampling.window), sampling)
    images = sum(item.kind == "I" for item in items)
    return View(images, len(items) - images, token_budget(items, costs))


def _slots(seconds: float, recipe: Recipe, window: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times (G, S) of the slots of a video's GOPs, and which of them it has."""
    gop = recipe.gop / recipe.fps
    starts = np.arange(max(1, int(np.ceil(seconds / gop)))) * gop
    slots = recipe.slots_at(window)
    times = starts[:, None] + np.arange(slots) * (gop / slots)
    return times, times < max(seconds, 1 / recipe.fps)


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
