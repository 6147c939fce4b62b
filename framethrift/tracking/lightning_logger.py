"""Lightning's own logger interface in front of a stage's run, for trainers that want a logger."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from framethrift.tracking.runs import StageRun


class SpoolLogger(Logger):
    """`Trainer(logger=SpoolLogger(run))`: metrics go to the run, hyper-parameters are the run's parameters already."""

    def __init__(self, run: StageRun) -> None:
        super().__init__()
        self._run = run

    @property
    def name(self) -> str:
        """The same for every run; Lightning builds default folders from it."""
        return "framethrift"

    @property
    def version(self) -> str:
        """The same for every run: checkpoints have explicit folders."""
        return "run"

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: the parameters were given when the run was opened."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record values of a step."""
        self._run.log_metrics(metrics, step or 0)
