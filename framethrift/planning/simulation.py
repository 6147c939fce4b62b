"""A discrete-event simulation of a study's DAG on nodes that get preempted: wall time, lost work, restarts, utilisation.

A preempted node kills what runs on it and is away for a while. A training job goes on from its last checkpoint, any other begins
anew. Jobs without a GPU run elsewhere, at once and undisturbed: CPU partitions are rarely preempted.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HOPELESS = 8.0  # expected preemptions between two checkpoints: some e^8 = 3000 attempts for each stretch


@dataclass(frozen=True)
class Task:
    """A job to simulate: seconds of work, nodes (0: none, it needs no GPU) or GPUs of one node, checkpoint interval in seconds of
    work (None: none), and the tasks it waits for."""

    seconds: float
    after: tuple[int, ...] = ()
    nodes: int = 0
    gpus: int = 0
    checkpoint: float | None = None


@dataclass(frozen=True)
class Cluster:
    """`nodes` with `gpus` each; `rate` preemptions per second and node, `away` seconds until a node is back, `restart` seconds
    that a job started again loses before it works."""

    nodes: int
    gpus: int
    rate: float = 0.0
    away: float = 600.0
    restart: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """One simulated run: seconds of wall time; GPU-seconds of work, of lost work and of restarting; preemptions that hit a job;
    restarts of the unluckiest job; share of the GPU time that was work."""

    wall: float
    work: float
    lost: float
    restarting: float
    hits: int
    most_restarts: int
    utilisation: float


def simulate(tasks: Sequence[Task], cluster: Cluster, seed: int) -> Outcome:
    """Run `tasks` once. Longest remaining path first; a job that does not fit is waited for, so that none starves.

    Raises ValueError for a task larger than the cluster, or one that no number of attempts would finish.
    """
    return _Run(tasks, cluster, np.random.default_rng(seed)).outcome()


def young_daly(checkpoint_seconds: float, rate: float) -> float:
    """Seconds between checkpoints that lose least, √(2 C / λ) (Young 1974; Daly 2006), for a job hit `rate` times a second."""
    return math.sqrt(2 * checkpoint_seconds / rate)


class _Run:
    def __init__(self, tasks: Sequence[Task], cluster: Cluster, rng: np.random.Generator) -> None:
        self.tasks, self.cluster, self.rng = tasks, cluster, rng
        for number, task in enumerate(tasks):
            if task.nodes > cluster.nodes or task.gpus > cluster.gpus:
                raise ValueError(f"task {number} needs {task.nodes} nodes or {task.gpus} GPUs, more than the cluster has")
            stretch = min(task.seconds, task.checkpoint or task.seconds)
            if cluster.rate * max(task.nodes, min(1, task.gpus)) * stretch > HOPELESS:
                raise ValueError(
                    f"task {number} works {stretch:.0f} s between checkpoints on nodes that are preempted far more often: "
                    "it would hardly ever finish; checkpoint more often or give it fewer nodes"
                )
        self.priority = _remaining_paths(tasks)
        self.free = [cluster.gpus] * cluster.nodes
        self.up = [True] * cluster.nodes
        self.waiting = [len(set(task.after)) for task in tasks]
        self.followers: list[list[int]] = [[] for _ in tasks]
        for number, task in enumerate(tasks):
            for before in set(task.after):
                self.followers[before].append(number)
        self.done = [0.0] * len(tasks)
        self.attempt = [0] * len(tasks)
        self.started = [0.0] * len(tasks)
        self.places: dict[int, list[int]] = {}
        self.ready: list[tuple[float, int]] = []
        self.events: list[tuple[float, int, str, int, int]] = []
        self.lost = self.restarting = 0.0
        self.hits = self.finished = 0
        self.counter = 0

    def outcome(self) -> Outcome:
        now = 0.0
        for number, missing in enumerate(self.waiting):
            if not missing:
                heapq.heappush(self.ready, (-self.priority[number], number))
        if self.cluster.rate:
            for node in range(self.cluster.nodes):
                self._preempt_later(node, 0.0)
        self._start(now)
        while self.finished < len(self.tasks):
            now, _, kind, subject, attempt = heapq.heappop(self.events)
            if kind == "end" and subject in self.places and self.attempt[subject] == attempt:
                self._end(subject)
            elif kind == "preempt":
                self._preempt(subject, now)
            elif kind == "back":
                self.up[subject] = True
                self._preempt_later(subject, now)
            self._start(now)
        work = sum(task.seconds * _width(task, self.cluster) for task in self.tasks)
        capacity = now * self.cluster.nodes * self.cluster.gpus
        most = max((attempts - 1 for attempts in self.attempt), default=0)
        return Outcome(now, work, self.lost, self.restarting, self.hits, most, work / capacity if capacity else 0.0)

    def _push(self, time: float, kind: str, subject: int, attempt: int = 0) -> None:
        self.counter += 1
        heapq.heappush(self.events, (time, self.counter, kind, subject, attempt))

    def _preempt_later(self, node: int, now: float) -> None:
        self._push(now + float(self.rng.exponential(1 / self.cluster.rate)), "preempt", node)

    def _start(self, now: float) -> None:
        while self.ready:
            number = self.ready[0][1]
            places = self._room(self.tasks[number])
            if places is None:
                return
            heapq.heappop(self.ready)
            task = self.tasks[number]
            for node in places:
                self.free[node] -= self.cluster.gpus if task.nodes else task.gpus
            self.places[number] = places
            again = self.cluster.restart if self.attempt[number] else 0.0
            self.attempt[number] += 1
            self.started[number] = now
            self._push(now + again + task.seconds - self.done[number], "end", number, self.attempt[number])

    def _room(self, task: Task) -> list[int] | None:
        if not task.nodes and not task.gpus:
            return []
        if task.nodes:
            empty = [node for node, free in enumerate(self.free) if self.up[node] and free == self.cluster.gpus]
            return empty[: task.nodes] if len(empty) >= task.nodes else None
        fitting = [node for node, free in enumerate(self.free) if self.up[node] and free >= task.gpus]
        return [min(fitting, key=lambda node: self.free[node])] if fitting else None

    def _release(self, number: int) -> None:
        task = self.tasks[number]
        for node in self.places.pop(number):
            self.free[node] += self.cluster.gpus if task.nodes else task.gpus

    def _end(self, number: int) -> None:
        if self.attempt[number] > 1:
            self.restarting += self.cluster.restart * _width(self.tasks[number], self.cluster)
        self._release(number)
        self.finished += 1
        for follower in self.followers[number]:
            self.waiting[follower] -= 1
            if not self.waiting[follower]:
                heapq.heappush(self.ready, (-self.priority[follower], follower))

    def _preempt(self, node: int, now: float) -> None:
        self.up[node] = False
        self._push(now + self.cluster.away, "back", node)
        for number in [number for number, places in self.places.items() if node in places]:
            task, width = self.tasks[number], _width(self.tasks[number], self.cluster)
            again = self.cluster.restart if self.attempt[number] > 1 else 0.0
            passed = now - self.started[number]
            self.restarting += min(passed, again) * width
            reached = self.done[number] + max(0.0, passed - again)
            kept = math.floor(reached / task.checkpoint) * task.checkpoint if task.checkpoint else 0.0
            kept = max(kept, self.done[number])
            self.lost += (reached - kept) * width
            self.done[number] = kept
            self.hits += 1
            self._release(number)
            heapq.heappush(self.ready, (-self.priority[number], number))


def _width(task: Task, cluster: Cluster) -> int:
    return task.nodes * cluster.gpus or task.gpus


def _remaining_paths(tasks: Sequence[Task]) -> list[float]:
    """Seconds of the longest path from each task to the end; tasks may stand in any order."""
    followers: list[list[int]] = [[] for _ in tasks]
    missing = [0] * len(tasks)
    for number, task in enumerate(tasks):
        for before in set(task.after):
            followers[before].append(number)
            missing[before] += 1
    longest = [task.seconds for task in tasks]
    leaves = [number for number, count in enumerate(missing) if not count]
    while leaves:
        number = leaves.pop()
        for before in set(tasks[number].after):
            longest[before] = max(longest[before], tasks[before].seconds + longest[number])
            missing[before] -= 1
            if not missing[before]:
                leaves.append(before)
    return longest
