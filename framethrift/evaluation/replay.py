"""Recorded raw answers as an lmms-eval model: its task code scores them without any model being asked."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import torch
from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms

from framethrift.evaluation.lmms_tasks import UnsupportedRequest


class Replay(lmms):
    """Gives back `raws` by (task, document number): one answer, or one per round."""

    def __init__(self, raws: Mapping[tuple[str, int], Sequence[str]]) -> None:
        super().__init__()
        self.device = torch.device("cpu")
        self._raws = raws

    def generate_until(self, requests: Sequence[Instance]) -> list[str]:
        """The answer to each request's document."""
        return [self._raws[request.args[4], request.args[3]][0] for request in requests]

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[list[str]]:
        """The answers to all rounds of each request's document."""
        return [list(self._raws[request.args[5], request.args[4]]) for request in requests]

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        """Refused: answers are generated and parsed strictly, never ranked."""
        raise UnsupportedRequest(f"task {requests[0].task_name}: answers were generated; there are no likelihoods to rank")

    def clean(self) -> None:
        """Nothing to free; lmms-eval's own way takes most of a second."""
