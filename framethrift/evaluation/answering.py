"""A model that answers questions about videos: it looks, reads and decodes, in batches that share the work per video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from framethrift.evaluation.decoding import Steps, decode, greedy_steps
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask, Shown, View, Viewer
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import VIDEO

VIDEOS = 8  # videos looked at together
TOKENS = 4096  # padded prompt tokens per forward pass; a longer single prompt goes alone


@dataclass(frozen=True)
class Answer:
    """A raw answer and what led to it: the prompt with <|video|> in place of the stream, what was shown, the visual queries
    that scored the frames, and the model's text that they were read from.

    `seconds` is the question's share of its batch: work shared by several questions is divided evenly among them.
    """

    raw: str
    prompt: str
    shown: list[dict[str, float | str]]
    visual_tokens: int
    queries: list[str]
    query_text: str
    seconds: float


@dataclass(frozen=True, eq=False)
class _Group:
    """Questions (indices into the call's asks) that are shown the same."""

    shown: Shown
    indices: list[int]
    tokens: int


class Answerer:
    """Answers questions with one model under one sampling, greedily."""

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

    def answer(self, asks: Sequence[Ask], max_new_tokens: int) -> Iterator[tuple[int, Answer]]:
        """(index in `asks`, its answer) as they become ready; questions of one video are answered together wherever they stand.

        Raises VideoRejected, SelectionError or ContextOverflow when a question cannot be shown its video.
        """
        by_video: dict[EncodedVideo, list[int]] = {}
        for index, ask in enumerate(asks):
            by_video.setdefault(ask.video, []).append(index)
        videos = list(by_video.values())
        for start in range(0, len(videos), VIDEOS):
            together = [index for indices in videos[start : start + VIDEOS] for index in indices]
            began = self.watch.now()
            viewed = dict(zip(together, self.viewer([asks[index] for index in together]), strict=True))
            looking = (self.watch.now() - began) / len(together)
            for batch in _batches(self._groups(asks, viewed)):
                yield from self._decoded(asks, viewed, batch, looking, max_new_tokens)

    def _groups(self, asks: Sequence[Ask], viewed: dict[int, View]) -> list[_Group]:
        together: dict[int, list[int]] = {}
        for index, view in viewed.items():
            together.setdefault(id(view.shown), []).append(index)
        groups = []
        for indices in together.values():
            shown = viewed[indices[0]].shown
            text = sum(len(self.processor.question_ids(asks[index].question)) for index in indices)
            groups.append(_Group(shown, indices, shown.visual_tokens + text))
        return groups

    def _decoded(
        self,
        asks: Sequence[Ask],
        viewed: dict[int, View],
        batch: Sequence[_Group],
        looking: float,
        max_new_tokens: int,
    ) -> Iterator[tuple[int, Answer]]:
        began = self.watch.now()
        conversations = [group.shown.conversation(self.processor, [asks[i].question for i in group.indices]) for group in batch]
        tokenizer = self.processor.tokenizer
        with self.watch("answer"):
            decoded = decode(self.model, tokenizer, conversations, max_new_tokens, self.steps)
        answering = (self.watch.now() - began) / sum(len(group.indices) for group in batch)
        for group, answers in zip(batch, decoded, strict=True):
            shown: list[dict[str, float | str]] = [{"time": round(item.time, 6), "kind": item.kind} for item in group.shown.items]
            for index, ids in zip(group.indices, answers, strict=True):
                prompt = self.processor.prompt(asks[index].question, VIDEO if shown else "")
                view, seconds = viewed[index], looking + answering
                facts = (shown, group.shown.visual_tokens, list(view.queries), view.query_text, seconds)
                yield index, Answer(tokenizer.decode(ids), prompt, *facts)


def _batches(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Consecutive groups whose padded length stays within TOKENS."""
    batch: list[_Group] = []
    for group in groups:
        longest = max(other.tokens for other in [*batch, group])
        if batch and longest * (len(batch) + 1) > TOKENS:
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch
