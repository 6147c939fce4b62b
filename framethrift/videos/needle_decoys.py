"""What fills a needle video between its events: nothing, or something that resembles an event without being one.

* a grey shape: the shape of an event, without a colour that could be an answer;
* a stranger: a coloured shape that no question is about, often in the colour of one event and the shape of another;
* a smudge or specks: the colour of an event without its shape.

They keep a CLIP model's similarity from being noise-free, and they keep every question's answer unique.
"""

from dataclasses import dataclass

import numpy as np

from framethrift.config.data import NeedleWorld
from framethrift.videos.needle_plan import COLOUR_NAMES, NeedlePlan, Single
from framethrift.videos.shapes import COLOURS, SHAPES, FloatArray, smudge, sprite

_GREYS = ((60, 60, 60), (168, 168, 168))
_TEXTURE = 22
_LONGEST = 5
_KINDS = ("grey shape", "stranger", "smudge", "specks")
_WEIGHTS = (0.35, 0.25, 0.25, 0.15)


@dataclass(frozen=True)
class Stretch:
    """Frames start .. end-1 show one picture element, or nothing; captions, the fullest first."""

    start: int
    end: int
    painted: FloatArray | None
    captions: tuple[str, ...]


def between(world: NeedleWorld, plan: NeedlePlan, start: int, end: int, rng: np.random.Generator) -> list[Stretch]:
    """Fill frames start .. end-1 with stretches of 1 to 5 frames, empty or decoys."""
    stretches = []
    while start < end:
        stop = min(end, start + int(rng.integers(1, _LONGEST + 1)))
        if rng.random() < world.decoy_share:
            painted, caption = _decoy(world, plan, rng)
            stretches.append(Stretch(start, stop, painted, (caption,)))
        else:
            stretches.append(Stretch(start, stop, None, ("an empty scene",)))
        start = stop
    return stretches


def strangers(plan: NeedlePlan) -> list[tuple[str, str]]:
    """Colours and shapes that are no event of the video, and whose shape is not asked for alone."""
    events = {(event.colour, event.shape) for event in plan.events}
    asked_alone = {plan.events[asked.event].shape for asked in plan.questions if isinstance(asked, Single)}
    return [(c, s) for c in COLOUR_NAMES for s in SHAPES if s not in asked_alone and (c, s) not in events]


def _decoy(world: NeedleWorld, plan: NeedlePlan, rng: np.random.Generator) -> tuple[FloatArray, str]:
    kind = _KINDS[rng.choice(len(_KINDS), p=_WEIGHTS)]
    if kind == "grey shape":
        shape = SHAPES[rng.integers(len(SHAPES))]
        size = int(rng.integers(world.object_size * 2 // 3, world.object_size + 1))
        return sprite(shape, _GREYS[rng.integers(len(_GREYS))], size, _TEXTURE // 2, rng), f"a grey {shape}"
    if kind == "stranger":
        candidates = strangers(plan)
        colour, shape = candidates[rng.integers(len(candidates))]
        return sprite(shape, COLOURS[colour], world.object_size, _TEXTURE, rng), f"a {colour} {shape}"
    colour = COLOUR_NAMES[rng.integers(len(COLOUR_NAMES))]
    side = world.object_size + 6
    if kind == "smudge":
        return smudge(COLOURS[colour], side), f"a {colour} smudge"
    return _specks(COLOURS[colour], side, rng), f"{colour} specks"


def _specks(colour: tuple[int, int, int], side: int, rng: np.random.Generator) -> FloatArray:
    painted = np.zeros((side, side, 4), np.float32)
    speck = sprite("square", colour, 3, 0, rng)
    for y, x in rng.integers(0, side - 3, size=(7, 2)):
        painted[y : y + 3, x : x + 3] = speck
    return painted
