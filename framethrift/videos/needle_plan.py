"""What happens in each video of the needle world, planned for a whole split so that every question's answers are balanced."""

from dataclasses import dataclass

import numpy as np

from framethrift.config.data import NeedleWorld
from framethrift.videos.balance import deal, deal_over_parts
from framethrift.videos.shapes import COLOURS, SHAPES

COLOUR_NAMES = tuple(COLOURS)
# Short events 0 and 1 are asked for their colour; the pairs are asked for their order. No event is in two pairs, so that
# any answers can be had by exchanging the events of a pair in time.
_SINGLE = (0, 1)
_SHORT_SHORT = (0, 1)
_SHORT_LONG = 2


@dataclass(frozen=True)
class Event:
    """One coloured shape that is seen for a while."""

    colour: str
    shape: str
    long: bool

    @property
    def name(self) -> str:
        """For example "red square"."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Single:
    """What is the colour of an event's shape?"""

    event: int


@dataclass(frozen=True)
class Order:
    """Did the first named event come before the second named one?"""

    named: tuple[int, int]
    answer: bool


@dataclass(frozen=True)
class Pair:
    """What are the colours of two events' shapes, in the order named?"""

    named: tuple[int, int]


@dataclass(frozen=True)
class NeedlePlan:
    """Events, short ones first; the order in which they are seen, as positions in `events`; the questions."""

    events: tuple[Event, ...]
    sequence: tuple[int, ...]
    questions: tuple[Single | Order | Pair, ...]


def plan_split(world: NeedleWorld, count: int, rng: np.random.Generator) -> list[NeedlePlan]:
    """Plan `count` videos: two questions about one short event, one about a short and a long event, one about two short ones, and
    where the world asks for pairs one about the colours of the events that the first two ask for.

    All shapes of a video differ. Colours are even for each shape asked for; yes and no are even in total, and as even as can be
    for each colour, shape and event named first or second.
    """
    number = world.short_events + world.long_events
    shapes = [[SHAPES[k] for k in rng.permutation(len(SHAPES))[:number]] for _ in range(count)]
    colours = [[COLOUR_NAMES[k] for k in rng.integers(len(COLOUR_NAMES), size=number)] for _ in range(count)]
    dealt = iter(deal([shapes[video][k] for video in range(count) for k in _SINGLE], COLOUR_NAMES, rng))
    for video in range(count):
        for k in _SINGLE:
            colours[video][k] = next(dealt)

    named = []
    for _ in range(count):
        for pair in (_SHORT_SHORT, (_SHORT_LONG, world.short_events)):
            named.append(pair if rng.integers(2) else pair[::-1])
    parts = []
    for index, pair in enumerate(named):
        video = index // 2
        where = zip(("first", "second"), pair, strict=True)
        parts.append([f"{w} {part}" for w, k in where for part in _parts(colours[video][k], shapes[video][k])])
    # The two kinds of pairs are balanced apart, so that neither can lean on the other.
    answers = [False] * len(named)
    answers[::2] = deal_over_parts(parts[::2], rng)
    answers[1::2] = deal_over_parts(parts[1::2], rng)

    plans = []
    for video in range(count):
        events = tuple(
            Event(colour, shape, k >= world.short_events)
            for k, (colour, shape) in enumerate(zip(colours[video], shapes[video], strict=True))
        )
        orders = tuple(Order(named[2 * video + k], answers[2 * video + k]) for k in (0, 1))
        sequence = _sequence(number, orders, rng)
        pairs = [Pair(_SINGLE if rng.integers(2) else _SINGLE[::-1])] if world.pairs else []
        plans.append(NeedlePlan(events, sequence, (*(Single(k) for k in _SINGLE), *orders, *pairs)))
    return plans


def _parts(colour: str, shape: str) -> tuple[str, str, str]:
    return colour, shape, f"{colour} {shape}"


def _sequence(number: int, orders: tuple[Order, ...], rng: np.random.Generator) -> tuple[int, ...]:
    """A random order of the events in which every `Order` has its answer."""
    places = [int(place) for place in rng.permutation(number)]
    for order in orders:
        first, second = order.named
        if (places[first] < places[second]) != order.answer:
            places[first], places[second] = places[second], places[first]
    return tuple(int(event) for event in np.argsort(places))
