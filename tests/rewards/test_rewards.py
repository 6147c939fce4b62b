"""Rewards and advantages against numbers computed by hand, and what happens at their edges."""

import numpy as np
import pytest

from framethrift.config.training import JointEvolution
from framethrift.rewards import centred, dead_groups, difficulty_advantage, group_advantage, informative, joint_rewards

SETTINGS = JointEvolution(steps=1, questions=1)


def test_the_reward_parts_are_the_papers():
    right = np.array([[True, False], [True, False]])
    well_formed = np.array([[True, True], [False, False]])
    share = np.array([[1.0, 0.5], [0.0, 0.0]])
    rewards = joint_rewards(right, well_formed, share, SETTINGS)
    np.testing.assert_allclose(rewards.total, [[1.0, 0.15], [0.8, 0.0]])
    np.testing.assert_allclose(rewards.accuracy, [[0.8, 0.0], [0.8, 0.0]])


def test_a_share_that_is_no_share_is_an_error():
    flags = np.ones((1, 2), dtype=bool)
    for share in ([[np.nan, 0.0]], [[1.5, 0.0]]):
        with pytest.raises(ValueError, match="informative_share"):
            joint_rewards(flags, flags, np.array(share), SETTINGS)
    with pytest.raises(ValueError, match="shapes disagree"):
        joint_rewards(flags, flags, np.zeros((2, 1)), SETTINGS)


def test_a_query_is_informative_when_the_scaled_ratio_exceeds_ten():
    spread = np.log(10) / 100
    cosines = np.array([[0.20, 0.20 + spread * 1.01], [0.20, 0.20 + spread * 0.99], [-0.1, 0.1], [0.2, 0.2]])
    np.testing.assert_array_equal(informative(cosines, 100.0, 10.0), [True, False, True, False])
    # The same cosines under a colder CLIP say less.
    np.testing.assert_array_equal(informative(cosines, 1.0, 10.0), [False] * 4)


def test_informativeness_neither_overflows_nor_hides_nan():
    assert informative(np.array([[-1.0, 1.0]]), 1e6, 10.0).tolist() == [True]
    assert informative(np.zeros((0, 5)), 100.0, 10.0).shape == (0,)
    for wrong in (np.array([[0.1, np.nan]]), np.zeros((2, 0)), np.zeros(3)):
        with pytest.raises(ValueError, match="similarity"):
            informative(wrong, 100.0, 10.0)
    with pytest.raises(ValueError, match="ratio 1"):
        informative(np.zeros((1, 2)), 100.0, 1.0)


def test_difficulty_advantage_follows_the_table():
    right = np.array([[True, False], [True, False], [True, False]])
    advantage = difficulty_advantage(right, np.array([0.25, 0.5, 0.0]), 10.0)
    np.testing.assert_allclose(advantage, [[4.0, -4 / 3], [2.0, -2.0], [10.0, -1.0]])


@pytest.mark.parametrize("pass_rate", [0.125, 0.4, 0.9])
def test_difficulty_advantage_is_zero_on_average_at_the_base_rate(pass_rate):
    advantage = difficulty_advantage(np.array([[True, False]]), np.array([pass_rate]), 10.0)[0]
    assert pass_rate * advantage[0] + (1 - pass_rate) * advantage[1] == pytest.approx(0)


@pytest.mark.parametrize("wrong", [1.0, -0.1, np.nan])
def test_difficulty_advantage_refuses_rates_it_is_not_defined_for(wrong):
    with pytest.raises(ValueError, match="pass rates"):
        difficulty_advantage(np.array([[True]]), np.array([wrong]), 10.0)


def test_group_advantage_normalises_within_the_group():
    rewards = np.array([[1.0, 0.0, 0.0, 0.0], [0.3, 0.3, 0.3, 0.3]])
    advantage = group_advantage(rewards)
    np.testing.assert_allclose(advantage[0], np.array([0.75, -0.25, -0.25, -0.25]) / (0.5 + 1e-4))
    np.testing.assert_array_equal(advantage[1], np.zeros(4))
    np.testing.assert_array_equal(dead_groups(rewards), [False, True])


def test_rounding_does_not_bring_a_dead_group_to_life():
    rewards = np.array([[0.1 + 0.2, 0.3, 0.3]])
    assert dead_groups(rewards).tolist() == [True]
    np.testing.assert_array_equal(group_advantage(rewards), np.zeros((1, 3)))


def test_centring_keeps_the_units():
    np.testing.assert_allclose(centred(np.array([[4.0, -2.0], [1.0, 1.0]])), [[3.0, -3.0], [0.0, 0.0]])


@pytest.mark.parametrize("function", [group_advantage, centred])
def test_groups_of_one_and_nan_are_errors(function):
    with pytest.raises(ValueError, match="at least two"):
        function(np.array([[1.0]]))
    with pytest.raises(ValueError, match="not finite"):
        function(np.array([[1.0, np.nan]]))
