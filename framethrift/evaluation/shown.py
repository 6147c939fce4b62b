"""What a question is shown of its video: the words that streams, selection, answering and latency share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from framethrift.evaluation.decoding import Conversation
from framethrift.evaluation.questions import EncodedVideo
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import StreamItem


@dataclass(frozen=True)
class Ask:
    """A question about a video. `donor`: whose Δ-tokens a swap shows; `evidence`: [start, end] seconds, for the oracle."""

    video: EncodedVideo
    question: str
    donor: EncodedVideo | None = None
    evidence: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Shown:
    """What the LLM reads before a question: `stream` is the placeholder text (empty: no video), the rest as `Conversation`.

    Questions that are shown the same share the object.
    """

    items: tuple[StreamItem, ...]
    stream: str
    image_features: Tensor | None
    image_grids: tuple[int, ...]
    delta_embeds: Tensor | None
    visual_tokens: int

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


def show_nothing(asks: Sequence[Ask]) -> list[View]:
    """The blind control: a prompt without a video."""
    return [View(NOTHING) for _ in asks]
