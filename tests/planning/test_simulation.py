"""The simulation against closed forms."""

import math
import time

import numpy as np
import pytest

from framethrift.planning.simulation import Cluster, Task, simulate, young_daly

HOUR = 3600.0


def test_one_node_without_preemption_takes_the_sum() -> None:
    tasks = [Task(100.0, nodes=1), Task(50.0, nodes=1), Task(25.0, (0, 1), nodes=1), Task(10.0)]
    outcome = simulate(tasks, Cluster(1, 4), 0)
    assert (outcome.wall, outcome.lost, outcome.hits, outcome.most_restarts) == (175.0, 0.0, 0, 0)
    assert outcome.work == 175.0 * 4 and outcome.utilisation == 1.0


def test_gpus_and_nodes_are_shared_and_order_is_kept() -> None:
    singles = [Task(10.0, gpus=1) for _ in range(6)]
    assert simulate(singles, Cluster(1, 2), 0).wall == 30.0
    assert simulate(singles, Cluster(3, 2), 0).wall == 10.0
    assert simulate([*singles, Task(5.0, tuple(range(6)), nodes=3)], Cluster(3, 2), 0).wall == 15.0
    chain = [Task(3.0, (), gpus=1), Task(3.0, (0,), gpus=1), Task(3.0, (1,), gpus=1)]
    assert simulate(chain, Cluster(3, 2), 0).wall == 9.0
    # The long path goes first: otherwise it would wait for the two short jobs.
    assert simulate([Task(1.0, gpus=1), Task(1.0, gpus=1), Task(9.0, gpus=1)], Cluster(1, 2), 0).wall == 9.0


def test_the_mean_time_under_preemption_is_the_closed_form() -> None:
    """One node, checkpoints every τ, Poisson preemptions λ: E[wall] = W/τ · (1/λ + away) · (e^(λτ) − 1) without restart cost."""
    rate, work, every, away = 1 / HOUR, 10 * HOUR, HOUR / 2, 600.0
    cluster = Cluster(1, 1, rate, away, restart=0.0)
    walls = np.array([simulate([Task(work, gpus=1, checkpoint=every)], cluster, seed).wall for seed in range(400)])
    expected = work / every * (1 / rate + away) * math.expm1(rate * every)
    assert abs(walls.mean() - expected) < 4 * walls.std() / math.sqrt(len(walls))


def test_a_preemption_loses_half_an_interval_on_average() -> None:
    cluster = Cluster(2, 4, 0.1 / HOUR, 0.0, restart=0.0)
    task = Task(1000 * HOUR, nodes=2, checkpoint=HOUR / 4)
    runs = [simulate([task], cluster, seed) for seed in range(20)]
    hits = sum(run.hits for run in runs)
    assert hits / 20 == pytest.approx(1000 * 2 * 0.1, rel=0.1)  # λ per node, and both nodes carry the job
    assert sum(run.lost for run in runs) / hits / 8 == pytest.approx(HOUR / 8, rel=0.1)


def test_gpu_time_adds_up() -> None:
    cluster = Cluster(2, 1, 1 / HOUR, 300.0, restart=60.0)
    tasks = [Task(2 * HOUR, gpus=1, checkpoint=900.0), Task(2 * HOUR, gpus=1, checkpoint=900.0), Task(HOUR, (0, 1), nodes=2)]
    outcome = simulate(tasks, cluster, 3)
    assert outcome.hits > 0 and outcome.lost > 0 and outcome.restarting > 0
    assert outcome.work + outcome.lost + outcome.restarting <= outcome.wall * 2 + 1e-6
    assert simulate(tasks, cluster, 3) == outcome != simulate(tasks, cluster, 4)


def test_without_checkpoints_a_job_begins_anew() -> None:
    cluster = Cluster(1, 1, 0.5 / HOUR, 0.0, restart=0.0)
    walls = np.array([simulate([Task(2 * HOUR, gpus=1)], cluster, seed).wall for seed in range(400)])
    assert abs(walls.mean() - 2 * HOUR * math.expm1(1.0)) < 4 * walls.std() / math.sqrt(len(walls))


def test_young_daly_is_where_the_loss_is_least() -> None:
    cost, rate = 60.0, 0.4 / HOUR
    intervals = np.geomspace(60, 20 * HOUR, 20_000)
    best = intervals[np.argmin(cost / intervals + rate * intervals / 2)]
    assert young_daly(cost, rate) == pytest.approx(best, rel=1e-3)


def test_two_thousand_jobs_take_seconds() -> None:
    rng = np.random.default_rng(0)
    tasks = [Task(float(rng.exponential(HOUR)), tuple(range(max(0, n - 40), max(0, n - 38))), gpus=1) for n in range(2000)]
    began = time.process_time()
    outcome = simulate(tasks, Cluster(8, 8, 0.05 / HOUR), 0)
    assert outcome.hits > 10
    assert time.process_time() - began < 3


def test_the_impossible_is_refused() -> None:
    with pytest.raises(ValueError, match="hardly ever finish"):
        simulate([Task(100 * HOUR, nodes=8)], Cluster(8, 8, 0.05 / HOUR), 0)
    with pytest.raises(ValueError, match="needs 3 nodes"):
        simulate([Task(1.0, nodes=3)], Cluster(2, 8), 0)
