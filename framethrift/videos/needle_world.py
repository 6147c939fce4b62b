"""The needle world: long videos, mostly empty or cluttered, with a few events to be found (the mini study's test of MSJoE).

An event is a coloured shape that jitters in place and brightness, seen for a few frames or for many.
"""

import numpy as np
from numpy.typing import NDArray

from framethrift.config.data import NeedleWorld
from framethrift.videos.needle_decoys import Stretch, between
from framethrift.videos.needle_plan import COLOUR_NAMES, NeedlePlan, Order, Pair, Single
from framethrift.videos.rendered import Question, RenderedVideo
from framethrift.videos.shapes import COLOURS, FloatArray, background, noise, paste, sprite

_TEXTURE = 22
_JITTER = 4
# Share of an event's frames whose caption leaves the colour out, so that CLIP learns queries such as "a triangle".
_COLOURLESS_CAPTIONS = 0.25


def render(world: NeedleWorld, plan: NeedlePlan, rng: np.random.Generator) -> RenderedVideo:
    """Render one planned video; everything the plan leaves open (time, place, decoys, noise) is drawn from `rng`."""
    spans = _spans(world, plan, rng)
    stretches = []
    free = 0
    for event in plan.sequence:
        start, end = spans[event]
        seen = plan.events[event]
        painted = sprite(seen.shape, COLOURS[seen.colour], world.object_size, _TEXTURE, rng)
        stretches += between(world, plan, free, start, rng)
        stretches.append(Stretch(start, end, painted, (f"a {seen.name}", f"a {seen.shape}")))
        free = end
    stretches += between(world, plan, free, world.frames, rng)

    scene = background(world.height, world.width, world.texture, rng)
    frames = np.repeat(scene[None], world.frames, axis=0)
    captions = []
    for stretch in stretches:
        _draw(stretch, frames, rng)
        for number in range(stretch.start, stretch.end):
            colourless = rng.random() < _COLOURLESS_CAPTIONS
            captions.append((number / world.fps, stretch.captions[-1 if colourless else 0]))
    questions = tuple(_question(world, plan, asked, spans) for asked in plan.questions)
    return RenderedVideo(_expose(world, frames, rng), world.fps, questions, tuple(captions))


def _spans(world: NeedleWorld, plan: NeedlePlan, rng: np.random.Generator) -> list[tuple[int, int]]:
    """First frame and the one after the last, per event, with at least one frame before, between and after events."""
    ranges = [world.long_frames if event.long else world.short_frames for event in plan.events]
    lengths = [int(rng.integers(low, high + 1)) for low, high in ranges]
    spare = world.frames - sum(lengths) - len(lengths) - 1
    cuts = np.sort(rng.integers(0, spare + 1, size=len(lengths)))
    spans = [(0, 0)] * len(lengths)
    used = 1
    for cut, event in zip(cuts, plan.sequence, strict=True):
        start = int(cut) + used
        spans[event] = (start, start + lengths[event])
        used += lengths[event] + 1
    return spans


def _draw(stretch: Stretch, frames: FloatArray, rng: np.random.Generator) -> None:
    """Paint a stretch into frames (n, H, W, 3) in place: one place per stretch, jittered by a few pixels in each frame."""
    if stretch.painted is None:
        return
    size = stretch.painted.shape[0]
    room = np.array([frames.shape[2] - size, frames.shape[1] - size])
    numbers = range(stretch.start, stretch.end)
    jitter = rng.integers(-_JITTER, _JITTER + 1, size=(len(numbers), 2))
    places = np.clip(rng.integers(0, room + 1) + jitter, 0, room)
    for number, (x, y), opacity in zip(numbers, places.tolist(), rng.uniform(0.75, 1, len(numbers)).tolist(), strict=True):
        paste(frames[number], stretch.painted, x, y, opacity)


def _expose(world: NeedleWorld, frames: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each frame's own brightness and noise; overwrites `frames` (n, H, W, 3) on the way."""
    brightness = rng.uniform(1 - world.brightness_jitter, 1 + world.brightness_jitter, len(frames)).astype(np.float32)
    grain = noise(world.height * len(frames), world.width, world.noise, rng).reshape(frames.shape[:3])
    frames *= brightness[:, None, None, None]
    frames += grain[..., None]
    np.rint(frames, out=frames)
    return np.clip(frames, 0, 255, out=frames).astype(np.uint8)


def _question(world: NeedleWorld, plan: NeedlePlan, asked: Single | Order | Pair, spans: list[tuple[int, int]]) -> Question:
    def seconds(event: int) -> tuple[float, float]:
        start, end = spans[event]
        return start / world.fps, (end - 1) / world.fps

    if isinstance(asked, Single):
        event = plan.events[asked.event]
        text, query = f"what colour is the {event.shape} ?", f"a {event.shape}"
        return Question("mini_needle", "single", text, event.colour, COLOUR_NAMES, (seconds(asked.event),), (query,))
    first, second = (plan.events[k] for k in asked.named)
    if isinstance(asked, Pair):
        text = f"what colours are the {first.shape} and the {second.shape} ?"
        options = tuple(f"{one} and {other}" for one in COLOUR_NAMES for other in COLOUR_NAMES)
        evidence, queries = tuple(sorted(seconds(k) for k in asked.named)), (f"a {first.shape}", f"a {second.shape}")
        return Question("mini_needle", "pair", text, f"{first.colour} and {second.colour}", options, evidence, queries)
    text = f"did the {first.name} come before the {second.name} ?"
    evidence = tuple(sorted(seconds(k) for k in asked.named))
    answer = "yes" if asked.answer else "no"
    return Question("mini_needle", "order", text, answer, ("yes", "no"), evidence, (f"a {first.name}", f"a {second.name}"))
