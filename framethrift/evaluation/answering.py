"""A model that answers questions about videos: it looks, reads and decodes, in batches that share the work per video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from framethrift.evaluation.decoding import TOKENS, Steps, decode, greedy_steps
from framethrift.evaluation.layer_steps import LayerSteps
from framethrift.evaluation.shown import Ask, Shown, View, Viewer
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import VIDEO
from framethrift.reducers.costs import LanguageShape, prompt_costs


@dataclass(frozen=True)
class Answer:
    """A raw answer and what led to it: the prompt with <|video|> in place of the stream, what was shown, the visual queries
    that scored the frames, and the model's text that they were read from.

    `seconds` is the question's share of its batch: work shared by several questions is divided evenly among them. `costs`, by
    formula: `prompt_costs` of the question alone, and `kept_share`, of the visual tokens where a reducer keeps fewest.
    """

    raw: str
    prompt: str
    shown: list[dict[str, float | str]]
    visual_tokens: int
    queries: list[str]
    query_text: str
    seconds: float
    costs: dict[str, float] = field(default_factory=dict)


class Answering(Protocol):
    """What answers a cell's questions under one sampling; `watch` adds up seconds per stage."""

    watch: Stopwatch

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown, or an upper bound; nothing is decoded."""
        ...

    def answer(self, asks: Sequence[Ask], lengths: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """(index in `asks`, its answer of at most lengths[index] tokens), in any order; questions of one video share its work.

        The same call gives the same answers; which questions share a call may change a number's last bit.
        Raises VideoRejected, SelectionError or ContextOverflow when a question cannot be shown its video.
        """
        ...


@dataclass(frozen=True, eq=False)
class _Group:
    """Questions (indices into the call's asks) that are shown the same and answered in as many tokens."""

    shown: Shown
    indices: list[int]
    tokens: int
    length: int


class Answerer:
    """Answers questions with one model under one sampling, greedily: an `Answering`."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        viewer: Viewer,
        watch: Stopwatch,
        steps: Steps | None = None,
    ) -> None:
        self.model, self.processor, self.watch = model, processor, watch
        self.viewer: Viewer = viewer
        self.steps: Steps = steps or greedy_steps
        self._shape = LanguageShape.of(model.config.text_config)

    def cost(self, ask: Ask) -> int:
        """As `Answering`."""
        return self.viewer.cost(ask)

    def answer(self, asks: Sequence[Ask], lengths: Sequence[int]) -> Iterator[tuple[int, Answer]]:
        """As `Answering`."""
        began = self.watch.now()
        views = self.viewer(asks)
        looking = (self.watch.now() - began) / len(asks)
        for batch in _batches(self._groups(asks, views, lengths)):
            yield from self._decoded(asks, views, batch, looking)

    def _groups(self, asks: Sequence[Ask], views: Sequence[View], lengths: Sequence[int]) -> list[_Group]:
        together: dict[tuple[int, int], list[int]] = {}
        for index, (view, length) in enumerate(zip(views, lengths, strict=True)):
            together.setdefault((length, id(view.shown)), []).append(index)
        groups = []
        for (length, _), indices in sorted(together.items(), key=lambda item: (item[0][0], item[1])):
            shown = views[indices[0]].shown
            text = sum(len(self.processor.question_ids(asks[index].question)) for index in indices)
            groups.append(_Group(shown, indices, shown.visual_tokens + text, length))
        return groups

    def _decoded(
        self, asks: Sequence[Ask], views: Sequence[View], batch: Sequence[_Group], looking: float
    ) -> Iterator[tuple[int, Answer]]:
        began = self.watch.now()
        conversations = [group.shown.conversation(self.processor, [asks[i].question for i in group.indices]) for group in batch]
        tokenizer = self.processor.tokenizer
        with self.watch("answer"):
            decoded = decode(self.model, tokenizer, conversations, batch[0].length, self.steps)
        answering = (self.watch.now() - began) / sum(len(group.indices) for group in batch)
        for row, (group, answers) in enumerate(zip(batch, decoded, strict=True)):
            shown: list[dict[str, float | str]] = [{"time": round(item.time, 6), "kind": item.kind} for item in group.shown.items]
            for column, (index, ids) in enumerate(zip(group.indices, answers, strict=True)):
                length = len(conversations[row].prefix) + len(conversations[row].questions[column])
                prompt = self.processor.prompt(asks[index].question, VIDEO if shown else "")
                view, seconds = views[index], looking + answering
                facts = (shown, group.shown.visual_tokens, list(view.queries), view.query_text, seconds)
                yield index, Answer(tokenizer.decode(ids), prompt, *facts, self.costs(group.shown, length, (row, column)))

    def costs(self, shown: Shown, length: int, place: tuple[int, int] = (0, 0)) -> dict[str, float]:
        """`Answer.costs` of a prompt of `length` tokens, the last that `steps` read at `place`, (conversation, question)."""
        read = kept = [length] * self._shape.layers
        share = shown.kept_share
        if isinstance(self.steps, LayerSteps):
            read, kept, share = self.steps.hooks[place].counted()
        return prompt_costs(read, kept, self._shape, self.model.dtype.itemsize) | {"kept_share": share}


def _batches(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Consecutive groups of equal answer length whose padded length stays within TOKENS."""
    batch: list[_Group] = []
    for group in groups:
        longest = max(other.tokens for other in [*batch, group])
        if batch and (longest * (len(batch) + 1) > TOKENS or group.length != batch[0].length):
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch
