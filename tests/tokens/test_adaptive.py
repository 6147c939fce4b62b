"""Where adaptive fusion puts its slots."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from framethrift.config.sampling import Stream
from framethrift.tokens import TokenCosts, plan_stream, token_budget
from framethrift.tokens.adaptive import adaptive_places

COSTS = TokenCosts(16, 4, 4, 2)


def places(energies, slots, **settings):
    """Slots for GOPs of the given frame energies."""
    return adaptive_places([np.array(energy, float) for energy in energies], slots, Stream(fusion="adaptive", **settings), COSTS)


@pytest.mark.parametrize("value", [0, 3.5])
@pytest.mark.parametrize("window", [1, 4, 30])
def test_equal_energy_gives_fixed_fusion(value, window):
    energies = np.full((3, 120), value)
    assert places(energies, 3 * 120 // window) == [tuple(range(0, 120, window))] * 3


def test_slots_go_where_the_motion_is():
    still, moving = [0.0] * 40, [0.0] * 20 + [5.0] * 20
    calm, busy = places([still, moving], 10)
    assert calm == (0,)
    assert len(busy) == 9 and busy[1] > 20
    assert np.ptp(np.diff(busy[1:])) <= 1


def test_every_slot_stands_for_about_the_same_energy():
    energy = np.random.default_rng(0).exponential(1, 400)
    (found,) = places([energy], 8)
    between = np.array([energy[start + 1 : end + 1].sum() for start, end in pairwise(found)])
    assert len(between) == 7 and between.std() < 0.1 * between.mean()
    assert energy[found[-1] + 1 :].sum() == pytest.approx(between.mean(), rel=0.2)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0, 0, 0.001, 1, 50]), min_size=1, max_size=20), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(0, 400),
    st.integers(0, 40),
)
def test_budgets_are_kept_whatever_the_energy(energies, keyframes, extra, fixed):
    floor = sum(min(keyframes, len(energy)) for energy in energies)
    budget = floor * COSTS.i_frame + extra
    sampling = Stream(fusion="adaptive", keyframes_per_gop=keyframes, budget=budget)
    found = adaptive_places([np.array(energy, float) for energy in energies], fixed, sampling, COSTS)
    for energy, own in zip(energies, found, strict=True):
        assert own[0] == 0 and own[-1] < len(energy) and list(own) == sorted(set(own))
        assert len(own) >= min(keyframes, len(energy))
    times = np.full((len(found), max(map(len, found))), np.nan)
    for gop, own in enumerate(found):
        times[gop, : len(own)] = 100 * gop + np.array(own)
    cost = token_budget(plan_stream(times, ~np.isnan(times), sampling), COSTS)
    assert cost <= budget
    assert cost > budget - COSTS.p_frame or sum(map(len, found)) == sum(map(len, energies))
    unbounded = places(energies, fixed, keyframes_per_gop=keyframes)
    assert sum(map(len, unbounded)) == min(max(fixed, floor), sum(map(len, energies)))


def test_key_frames_are_spread_over_each_gops_own_slots():
    times = np.array([[0.0, 1, 2, 3, 4, 5], [6.0, 7, np.nan, np.nan, np.nan, np.nan], [8.0, *[np.nan] * 5]])
    items = plan_stream(times, ~np.isnan(times), Stream(fusion="adaptive", keyframes_per_gop=2))
    assert [(item.kind, item.gop, item.slot) for item in items if item.kind == "I"] == [
        ("I", 0, 0),
        ("I", 0, 3),
        ("I", 1, 0),
        ("I", 1, 1),
        ("I", 2, 0),
    ]


def test_settings_of_adaptive_fusion_are_refused_without_it():
    for settings_ in ({"budget": 100}, {"energy": "packet_size"}):
        with pytest.raises(ValidationError, match="belong to adaptive fusion"):
            Stream(**settings_)
