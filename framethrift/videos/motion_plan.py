"""What happens in each video of the motion world, planned for a whole split so that every question's answers are balanced."""

from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from framethrift.videos.balance import deal, separate
from framethrift.videos.shapes import COLOURS

SHAPES = ("square", "disc", "triangle", "cross")
COLOUR_NAMES = tuple(COLOURS)
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
QUADRANTS = {"northwest": (0, 0), "northeast": (1, 0), "southwest": (0, 1), "southeast": (1, 1)}
SPEEDS = ("slow", "fast")

QuestionType = Literal["direction", "speed", "order", "colour", "quadrant"]
Pair = tuple[str, str]

BENCHMARKS: dict[QuestionType, str] = {
    "direction": "mini_motion",
    "speed": "mini_motion",
    "order": "mini_motion",
    "colour": "mini_static",
    "quadrant": "mini_static",
}
OPTIONS: dict[QuestionType, tuple[str, ...]] = {
    "direction": tuple(DIRECTIONS),
    "speed": SPEEDS,
    "order": ("yes", "no"),
    "colour": COLOUR_NAMES,
    "quadrant": tuple(QUADRANTS),
}
_WORDING: dict[QuestionType, str] = {
    "direction": "which way did the {} move ?",
    "speed": "how fast did the {} move ?",
    "order": "did the {} move first ?",
    "colour": "what colour is the {} ?",
    "quadrant": "where is the {} ?",
}
_WORDING_BY_TURN: dict[QuestionType, str] = {
    "direction": "which way was the {} move ?",
    "speed": "how fast was the {} move ?",
}
TURNS = ("first", "last")


@dataclass(frozen=True)
class MovingObject:
    """An object and its one motion."""

    colour: str
    shape: str
    quadrant: str
    direction: str
    speed: str


@dataclass(frozen=True)
class Asked:
    """A question about one object of the video."""

    type: QuestionType
    about: int
    question: str
    answer: str


@dataclass(frozen=True)
class MotionPlan:
    """Two objects, which of them moves first, and nine questions."""

    objects: tuple[MovingObject, MovingObject]
    first: int
    questions: tuple[Asked, ...]


def plan_split(count: int, rng: np.random.Generator) -> list[MotionPlan]:
    """Plan `count` videos with nine questions each.

    Answers are even per question type and per wording. Direction, speed and order are drawn independently of everything a
    key frame shows: colours, shapes and places.
    """
    shapes = separate(_pairs(deal([""] * 2 * count, SHAPES, rng)), [("", "")] * count, SHAPES, rng)
    colours = separate(_pairs(deal(_flat(shapes), COLOUR_NAMES, rng)), shapes, COLOUR_NAMES, rng)
    wordings: dict[QuestionType, list[Pair]] = {kind: _wordings(kind, colours, shapes, rng) for kind in ("order", "quadrant")}
    wordings["colour"] = [(_WORDING["colour"].format(one), _WORDING["colour"].format(other)) for one, other in shapes]

    about = [int(side) for side in deal([""] * count, ("0", "1"), rng)]
    order_wordings = [pair[side] for pair, side in zip(wordings["order"], about, strict=True)]
    moved_first = deal(order_wordings, OPTIONS["order"], rng)
    first = [side if answer == "yes" else 1 - side for side, answer in zip(about, moved_first, strict=True)]
    for kind in ("direction", "speed"):
        wordings[kind] = _by_turn(kind, _wordings(kind, colours, shapes, rng), first, rng)
    answers: dict[QuestionType, list[Pair]] = {
        kind: _pairs(deal(_flat(wordings[kind]), OPTIONS[kind], rng)) for kind in ("direction", "speed", "quadrant")
    }
    answers["quadrant"] = separate(answers["quadrant"], wordings["quadrant"], OPTIONS["quadrant"], rng)
    answers["colour"] = colours

    plans = []
    for video in range(count):
        one, other = (
            MovingObject(
                colours[video][k], shapes[video][k], answers["quadrant"][video][k], answers["direction"][video][k], speed
            )
            for k, speed in enumerate(answers["speed"][video])
        )
        questions = [Asked(kind, k, wordings[kind][video][k], answers[kind][video][k]) for kind in answers for k in (0, 1)]
        questions.append(Asked("order", about[video], order_wordings[video], moved_first[video]))
        plans.append(MotionPlan((one, other), first[video], tuple(questions)))
    return plans


def _wordings(kind: QuestionType, colours: list[Pair], shapes: list[Pair], rng: np.random.Generator) -> list[Pair]:
    """A question per object; half of them name it by its colour, half by its shape."""
    named = iter(deal([""] * 2 * len(shapes), ("colour", "shape"), rng))
    texts = []
    for colour, shape in zip(_flat(colours), _flat(shapes), strict=True):
        texts.append(_WORDING[kind].format(f"{colour} object" if next(named) == "colour" else shape))
    return _pairs(texts)


def _by_turn(kind: QuestionType, named: list[Pair], first: list[int], rng: np.random.Generator) -> list[Pair]:
    """Half of the questions ask for the first or the last move instead of naming the object."""
    turns = [TURNS[k != mover] for mover in first for k in (0, 1)]
    ways = deal(turns, ("turn", "name"), rng)
    by_turn = [_WORDING_BY_TURN[kind].format(turn) for turn in turns]
    return _pairs([turned if way == "turn" else text for turned, text, way in zip(by_turn, _flat(named), ways, strict=True)])


def _pairs(values: list[str]) -> list[Pair]:
    return list(zip(values[::2], values[1::2], strict=True))


def _flat(pairs: list[Pair]) -> list[str]:
    return list(chain.from_iterable(pairs))
