"""Deals answers to questions so that a model that does not see the video stays at chance."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np


def deal(groups: Sequence[str], answers: Sequence[str], rng: np.random.Generator) -> list[str]:
    """One answer per question, in random order, as even as counting allows within each group and over all of them.

    `groups[i]` is the wording of question i. Numbers of answers differ by at most one, per wording and in total.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    cycle = rng.permutation(len(answers))
    dealt = [""] * len(groups)
    position = 0
    for group in sorted(members):
        shuffled = rng.permutation(members[group])
        for index in shuffled:
            dealt[index] = answers[cycle[position % len(answers)]]
            position += 1
    return dealt


def separate(
    values: list[tuple[str, str]], groups: Sequence[tuple[str, str]], answers: Sequence[str], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Make the two values of every video differ by swapping values between videos within the same group.

    Swaps keep the counts of `deal`. Only where a group has nobody to swap with (splits of a few videos) is a value replaced
    by the next answer, which costs that group its exact balance.
    """
    pairs = [list(pair) for pair in values]
    members: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for video, wording in enumerate(groups):
        for side in (0, 1):
            members[wording[side]].append((video, side))
    for video, pair in enumerate(pairs):
        if pair[0] != pair[1]:
            continue
        side = int(rng.integers(2))
        others = members[groups[video][side]]
        for turn in rng.permutation(len(others)):
            other, other_side = others[turn]
            theirs = pairs[other]
            if other != video and theirs[other_side] != pair[1 - side] and pair[side] != theirs[1 - other_side]:
                pair[side], theirs[other_side] = theirs[other_side], pair[side]
                break
        else:
            pair[side] = answers[(answers.index(pair[side]) + 1) % len(answers)]
    return [(first, second) for first, second in pairs]


def deal_over_parts(parts: Sequence[Sequence[str]], rng: np.random.Generator) -> list[bool]:
    """Yes or no per question, even over every part of its wording (e.g. "first: red"), exactly even in total.

    For wordings too many to be balanced one by one: each question, in random order, takes the answer that is rarer so far
    among the questions that share parts with it.
    """
    surplus: Counter[str] = Counter()
    dealt = [False] * len(parts)
    total = 0
    left = len(parts)
    for index in rng.permutation(len(parts)):
        lean = sum(int(np.sign(surplus[part])) for part in parts[index])
        # The total may not run away further than the questions left can bring back.
        yes = total < 0 if abs(total) >= left else (lean < 0 or (lean == 0 and bool(rng.integers(2))))
        dealt[index] = yes
        step = 1 if yes else -1
        total += step
        left -= 1
        for part in parts[index]:
            surplus[part] += step
    return dealt
