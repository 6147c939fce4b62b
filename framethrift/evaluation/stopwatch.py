"""Seconds spent per named stage, waiting for the accelerator where there is one."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


class Stopwatch:
    """Adds up wall-clock seconds per stage: `with watch("vision"): …`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._charged = 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time one stretch of `stage`; an exception leaves it unrecorded."""
        start = self.now()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + self.now() - start

    def now(self) -> float:
        """Seconds of a monotonic clock, once everything sent to the accelerator is done; what is charged moves it on."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter() + self._charged

    def charge(self, seconds: float, stages: Mapping[str, float]) -> None:
        """Let `seconds` pass, those of `stages` in them: what earlier work took whose result is used again."""
        self._charged += seconds
        for stage, own in stages.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + own
