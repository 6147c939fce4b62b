"""The motion world: short videos whose key frames show what is there, but not how it moves (the mini study's test of CoPE).

Two textured objects lie still on a textured background. Each moves once, during one fusion window of its own GOP, holds, and
returns after the GOP's last fused window, so that every GOP's I-frame shows the same picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framethrift.config.data import MotionWorld
from framethrift.videos.motion_plan import BENCHMARKS, DIRECTIONS, OPTIONS, QUADRANTS, Asked, MotionPlan
from framethrift.videos.rendered import Question, RenderedVideo
from framethrift.videos.shapes import COLOURS, background, paste, sprite

# A displaced object's centre keeps this distance from the border between quadrants, in pixels.
_MARGIN = 2


@dataclass(frozen=True)
class Motion:
    """When and how an object moves: frame numbers, and pixels per frame."""

    gop: int
    start: int
    end: int
    step: tuple[float, float]


def render(world: MotionWorld, plan: MotionPlan, rng: np.random.Generator) -> RenderedVideo:
    """Render one planned video; everything the plan leaves open (place, time, texture) is drawn from `rng`."""
    motions = _motions(world, plan, rng)
    homes = _homes(world, plan, rng)
    scene = background(world.height, world.width, world.background_texture, rng)
    sprites = [sprite(thing.shape, COLOURS[thing.colour], world.object_size, world.object_texture, rng) for thing in plan.objects]

    frames = np.empty((world.gops * world.gop, world.height, world.width, 3), np.uint8)
    drawn: dict[tuple[float, ...], NDArray[np.uint8]] = {}
    for number in range(len(frames)):
        shares = tuple(_displaced(world, motion, number) for motion in motions)
        if shares not in drawn:
            picture = scene.copy()
            for painted, (x, y), motion, share in zip(sprites, homes, motions, shares, strict=True):
                paste(picture, painted, x + motion.step[0] * share, y + motion.step[1] * share)
            drawn[shares] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        frames[number] = drawn[shares]

    questions = tuple(_question(world, asked, motions) for asked in plan.questions)
    return RenderedVideo(frames, world.fps, questions, _captions(world, plan, rng))


def _motions(world: MotionWorld, plan: MotionPlan, rng: np.random.Generator) -> tuple[Motion, Motion]:
    gops = np.sort(rng.choice(world.gops, size=2, replace=False))
    if plan.first == 1:
        gops = gops[::-1]
    motions = []
    for thing, gop in zip(plan.objects, gops, strict=True):
        slot = int(rng.integers(1, world.gop // world.window))
        end = int(gop) * world.gop + slot * world.window
        speed = world.fast if thing.speed == "fast" else world.slow
        dx, dy = DIRECTIONS[thing.direction]
        motions.append(Motion(int(gop), end - world.window, end, (dx * speed, dy * speed)))
    return motions[0], motions[1]


def _displaced(world: MotionWorld, motion: Motion, number: int) -> float:
    """Displacement in frame `number`, in units of the motion's step per frame."""
    if number // world.gop != motion.gop:
        return 0.0
    last_slot = (motion.gop + 1) * world.gop - world.window
    if number <= last_slot:
        return float(np.clip(number - motion.start, 0, world.window))
    return world.window * (1 - (number - last_slot) / (world.window - 1))


def _homes(world: MotionWorld, plan: MotionPlan, rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Resting places of the boxes' corners: wherever either object then moves, both stay apart, inside, and in their quadrants.

    Places do not depend on directions or speeds, so they give nothing away.
    """
    while True:
        homes = []
        for thing in plan.objects:
            corner = []
            for side, length in zip(QUADRANTS[thing.quadrant], (world.width, world.height), strict=True):
                low = int(np.ceil(world.reach))
                high = int(length / 2 - _MARGIN - world.reach - world.object_size / 2)
                place = int(rng.integers(low, high + 1))
                corner.append(length - world.object_size - place if side else place)
            homes.append((corner[0], corner[1]))
        gaps = [abs(one - other) - world.object_size for one, other in zip(*homes, strict=True)]
        # One object is displaced at a time, along one axis: a gap of one reach on either axis is enough.
        if max(gaps) >= world.reach:
            return homes[0], homes[1]


def _question(world: MotionWorld, asked: Asked, motions: tuple[Motion, Motion]) -> Question:
    spans = [(motion.start / world.fps, motion.end / world.fps) for motion in motions]
    if asked.type == "order":
        evidence = tuple(sorted(spans))
    elif BENCHMARKS[asked.type] == "mini_motion":
        evidence = (spans[asked.about],)
    else:
        evidence = ((0.0, world.gops * world.gop / world.fps),)
    return Question(BENCHMARKS[asked.type], asked.type, asked.question, asked.answer, OPTIONS[asked.type], evidence)


def _captions(world: MotionWorld, plan: MotionPlan, rng: np.random.Generator) -> tuple[tuple[float, str], ...]:
    """What the I-frame and one later slot of each GOP show, the two objects named in random order."""
    captions = []
    for gop in range(world.gops):
        for slot in (0, int(rng.integers(1, world.gop // world.window))):
            things = [plan.objects[k] for k in rng.permutation(2)]
            text = " and ".join(f"a {thing.colour} {thing.shape} in the {thing.quadrant}" for thing in things)
            captions.append(((gop * world.gop + slot * world.window) / world.fps, text))
    return tuple(captions)
