"""What a question is shown of its video: the words that streams, selection, answering and latency share."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from framethrift.evaluation.decoding import Conversation
from framethrift.evaluation.questions import EncodedVideo
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import StreamItem


@dataclass(frozen=True)
class Ask:
    """A question about a video. `donor`: whose Δ-tokens a swap shows; `evidence`: [start, end] seconds, for the oracle.
    `ranked`: seconds that an index file names for the question `question_id`, best first, for replay.

    `span` [start, end] seconds: nothing before or after it is shown, whatever the sampling. `topic`: the bare question where
    `question` carries a task's instructions and options ("" where it does not). `choices`: what a random choice draws from.
    """

    video: EncodedVideo
    question: str
    donor: EncodedVideo | None = None
    evidence: tuple[tuple[float, float], ...] = ()
    span: tuple[float, float] = (0.0, math.inf)
    topic: str = ""
    choices: tuple[str, ...] = ()
    question_id: str = ""
    ranked: tuple[float, ...] | None = None

    @property
    def about(self) -> str:
        """What frames are searched for: the question without a task's instructions."""
        return self.topic or self.question


@dataclass(frozen=True, eq=False)
class Shown:
    """What the LLM reads before a question: `stream` is the placeholder text (empty: no video), the rest as `Conversation`.

    `kept_share`: of the I-frames' tokens, behind a token reducer. Questions that are shown the same share the object.
    """

    items: tuple[StreamItem, ...]
    stream: str
    image_features: Tensor | None
    image_grids: tuple[int, ...]
    delta_embeds: Tensor | None
    visual_tokens: int
    kept_share: float = 1.0

    def conversation(self, processor: CopeVideoProcessor, questions: Sequence[str]) -> Conversation:
        """This, with questions behind it."""
        ids = [processor.question_ids(question) for question in questions]
        return Conversation(processor.prefix_ids(self.stream), ids, self.image_features, self.image_grids, self.delta_embeds)


NOTHING = Shown((), "", None, (), None, 0)


@dataclass(frozen=True, eq=False)
class View:
    """What one question is shown, the visual queries that scored the frames, and the MLLM's text that they were read from."""

    shown: Shown
    queries: tuple[str, ...] = ()
    query_text: str = ""


class Viewer(Protocol):
    """Shows questions their videos, one View per question.

    The work per video (decoding, primitives, tower features, CLIP embeddings) is done once for all its questions in the call.
    """

    def __call__(self, asks: Sequence[Ask]) -> list[View]: ...

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown, or an upper bound; nothing is decoded."""
        ...


def within(times: NDArray[np.float64], span: tuple[float, float]) -> NDArray[np.bool_]:
    """Which of the increasing `times` (T,) lie in [start, end] seconds; never none of them.

    A span between two frames holds none: then it is the frame on screen when it ends, the last one at or before that time.
    Raises ValueError for a span that ends before it starts, or before the first frame.
    """
    start, end = span
    if not start <= end or end < times[0]:
        raise ValueError(f"span {span}: expected start <= end, and an end not before the first frame at {times[0]:g} s")
    inside = (times >= start) & (times <= end)
    if not inside.any():
        inside[np.searchsorted(times, end, side="right") - 1] = True
    return inside


def draws(seed: int, *names: str) -> np.random.Generator:
    """Random numbers that depend on the seed and the names only: not on order, batch or shard."""
    name = hashlib.sha256("\n".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(name[:8], "big")])


class BlindViewer:
    """The blind control: a prompt without a video."""

    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`."""
        return [View(NOTHING) for _ in asks]

    def cost(self, ask: Ask) -> int:
        """Nothing is shown."""
        return 0
