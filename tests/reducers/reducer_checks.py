"""What every token reducer must pass; the test of the guide runs the same on a method that is not in the project."""

import copy
import math
import time

import torch

from framethrift.reducers import reduce, reducer
from framethrift.reducers.protocol import Reduced, ReducerInput

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
SHAPES = ((1, 3, 3), (2, 4, 4), (7, 3, 3), (12, 4, 4), (23, 2, 3))


def words(text: str, width: int = 32) -> torch.Tensor:
    """Embeddings (L, d) of a text's words, the same for the same word count."""
    return torch.randn((len(text.split()), width), generator=torch.Generator().manual_seed(len(text)))


def video(frames: int, rows: int, columns: int, share: float = 0.25, *, width: int = 32, seed: int = 0) -> ReducerInput:
    """A video in which some places change at every frame, more at a cut every eight, and all tokens have something in common."""
    generator = torch.Generator().manual_seed(1000 + seed)
    size = rows * columns
    scene, common = torch.randn((size, width), generator=generator), torch.randn(width, generator=generator)
    shown = []
    for frame in range(frames):
        if frame % 8 == 7:
            scene = scene + torch.randn((size, width), generator=generator)
        moved = torch.rand((size, 1), generator=generator) < 0.3
        scene = scene + moved * torch.randn((size, width), generator=generator)
        shown.append(scene + common + 0.05 * torch.randn((size, width), generator=generator))
    return ReducerInput(
        tokens=torch.stack(shown),
        timestamps=[float(frame) for frame in range(frames)],
        grid=(rows, columns),
        share=share,
        seed=seed,
        question=words("what is it ?", width),
        words=lambda text: words(text, width),
        attention=torch.rand((frames, size), generator=generator),
        keys=torch.randn((frames, size, 16), generator=generator),
    )


def constant(frames: int, rows: int, columns: int, value: float, share: float) -> ReducerInput:
    """A video without any difference between tokens."""
    size = rows * columns
    tokens = torch.full((frames, size, 32), value)
    extras = {"question": torch.zeros(2, 32), "words": lambda text: torch.zeros(2, 32), "attention": torch.zeros(frames, size)}
    return ReducerInput(tokens, range(frames), (rows, columns), share, keys=torch.zeros(frames, size, 4), **extras)


def same(first: Reduced, second: Reduced) -> bool:
    return all(torch.equal(getattr(first, name), getattr(second, name)) for name in ("tokens", "places", "origin", "into"))


def check_budget(name: str) -> None:
    """Never more than the budget (or the method's own floor), and more tokens for more budget."""
    for frames, rows, columns in SHAPES:
        counts = []
        for share in SHARES:
            given = video(frames, rows, columns, share)
            counts.append(reduce(name, given).count)
            assert counts[-1] <= max(given.budget, reducer(name).floor(frames, rows * columns))
        assert counts[-1] >= counts[0], counts
        one = video(frames, rows, columns, 1e-9)
        assert one.budget == 1 and reduce(name, one).count <= max(1, reducer(name).floor(frames, rows * columns))


def check_places(name: str) -> None:
    """Kept tokens stand inside the video, in a box around what they come from; an unmerged one stands where it was."""
    for shape in SHAPES:
        given = video(*shape)
        reduced = reduce(name, given)
        where = given.places()
        for index in range(reduced.count):
            origin = where[reduced.origin[reduced.into == index]]
            assert (reduced.places[index] >= origin.amin(0) - 1e-9).all() and (
                reduced.places[index] <= origin.amax(0) + 1e-9
            ).all()


def check_deterministic(name: str) -> None:
    """The seed decides everything: neither torch's own random state nor the call before; and the input stays as it was."""
    given = video(12, 4, 4)
    before = copy.deepcopy(given.tokens)
    torch.manual_seed(1)
    first = reduce(name, given)
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert same(first, reduce(name, given)), f"{name}: depends on torch's random state"
    torch.set_rng_state(state)
    reduce(name, given)
    assert torch.equal(state, torch.get_rng_state()), f"{name}: draws from torch's random state"
    assert torch.equal(before, given.tokens), f"{name}: changes its input"


def check_independent(name: str) -> None:
    """A video's tokens do not depend on which videos were reduced before it."""
    alone = [reduce(name, video(9, 3, 3, seed=seed)) for seed in (0, 1, 2)]
    again = [reduce(name, video(9, 3, 3, seed=seed)) for seed in (2, 0, 1)]
    assert all(same(alone[i], again[j]) for i, j in ((0, 1), (1, 2), (2, 0))), f"{name}: remembers the videos before"


def check_constant(name: str) -> None:
    """Equal tokens, zeros included, make no NaN (`reduce` looks for them) and break no budget; means of equals are equal."""
    for value in (0.0, 1.0):
        for frames in (1, 5, 12):
            reduced = reduce(name, constant(frames, 3, 3, value, 0.25))
            assert torch.isfinite(reduced.tokens).all()


def complexity(name: str, frames: tuple[int, ...] = (16, 32, 64), videos: int = 3) -> float:
    """The exponent p of CPU time ~ tokens^p: a few videos at each of a growing number of frames, each the faster of two runs."""
    points = []
    for count in frames:
        took = 0.0
        for seed in range(videos):
            given = video(count, 8, 8, 0.25, width=64, seed=seed)
            runs = []
            for _ in range(2):
                began = time.process_time()
                reduce(name, given)
                runs.append(time.process_time() - began)
            took += min(runs)
        points.append((math.log(count * 64), math.log(took)))
    middle = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    rise = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return rise / sum((x - middle[0]) ** 2 for x, _ in points)


def check_complexity(name: str) -> float:
    """At most quadratic in the number of tokens, with room for what else the machine does."""
    exponent = complexity(name)
    assert exponent < 2.4, f"{name}: time grows as tokens to the {exponent:.1f}"
    return exponent


CHECKS = (check_budget, check_places, check_deterministic, check_independent, check_constant, check_complexity)
