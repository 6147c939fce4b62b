"""Random choice: what an answer is worth that looks at nothing, drawn so that it can be drawn again."""

from collections.abc import Iterator, Sequence

import torch

from framethrift.evaluation.answering import Answer
from framethrift.evaluation.shown import Ask, draws
from framethrift.evaluation.stopwatch import Stopwatch


class ChanceAnswerer:
    """Draws one of each question's options: an `Answering` without a model. An open question gets an empty answer."""

    def __init__(self, seed: int) -> None:
        self.watch = Stopwatch(torch.device("cpu"))
        self._seed = seed

    def cost(self, ask: Ask) -> int:
        """Nothing is shown."""
        return 0

    def answer(self, asks: Sequence[Ask], lengths: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """As `Answering`."""
        for index, ask in enumerate(asks):
            drawn = draws(self._seed, ask.video.video_id, ask.question).integers(max(1, len(ask.choices)))
            raw = ask.choices[drawn] if ask.choices else ""
            yield index, Answer(raw, "", [], 0, [], "", 0.0)
