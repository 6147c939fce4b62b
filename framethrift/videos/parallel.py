"""Runs independent tasks in processes; what they compute does not depend on how many there are."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

Progress = Callable[[int, int], None]


def completed(function: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, Result]]:
    """Yield (index of the task, its result) as tasks finish, with `jobs` processes; 1 runs them here, in order.

    Raises ValueError when `jobs` is below 1, and whatever a task raises.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; allowed: 1 or more processes")
    if jobs == 1 or len(tasks) < 2:
        for index, task in enumerate(tasks):
            yield index, function(task)
        return
    # Forking a process that has threads (encoders, progress bars) may hang: start fresh ones.
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(function, task): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
