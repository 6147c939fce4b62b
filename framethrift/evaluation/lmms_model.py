"""Our models and the baselines as an lmms-eval model: `python -m lmms_eval --model framethrift --model_args checkpoint=…`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.protocol import ChatMessages

from framethrift.evaluation.answering import Answer
from framethrift.evaluation.blocks import blocks
from framethrift.evaluation.lmms_tasks import UnsupportedRequest, cut, decoding_of
from framethrift.evaluation.opening import open_checkpoint
from framethrift.evaluation.posing import DEFAULT_NEW_TOKENS
from framethrift.evaluation.shown import Ask


@dataclass(frozen=True)
class _Turn:
    """One prompt about one video."""

    video: Path
    text: str
    length: int
    stops: tuple[str, ...]


class ChatModel(lmms):
    """Any checkpoint that this project evaluates, under any sampling, asked through lmms-eval's chat interface.

    Arguments (`--model_args name=value,…`): `checkpoint` a folder (or a baseline's hub name); `family` framethrift (default),
    llava_onevision, qwen2_5_vl or text; `sampling` stream, select or blind (default: what the checkpoint was trained with);
    `selector`, `budget` (frames of a selection, GOPs of a stream) and every other field of that sampling by its name; `seed`;
    `clip` the folder of the CLIP that scores frames; `precision` of a baseline; `weights_digest`, `videos` (a folder) and
    `videos_digest`, which are checked: with them, lmms-eval's response cache, which knows these arguments and no file, cannot
    serve the answers of other weights or videos. lmms-eval also passes batch sizes; batches are built by tokens here.
    """

    is_simple = False

    def __init__(
        self, checkpoint: str, batch_size: int | str | None = None, max_batch_size: int | None = None, **arguments: Any
    ) -> None:
        super().__init__()
        opened = open_checkpoint(checkpoint, arguments)
        self._answering, self._video, self.device = opened.answering, opened.video, opened.device
        self.answers: dict[tuple[str, int, int], Answer] = {}  # by task, document number and round

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Greedy answers; an answer ends at the end token, after max_new_tokens, or before a string of `until`.

        Requests of all tasks in the call that ask about one video share the work on it.
        """
        turns = [self._turn(request) for request in requests]
        answers = self._answered(turns)
        for request, answer in zip(requests, answers, strict=True):
            self.answers[(*_place(request), 0)] = answer
        return [GenerationResult(answer.raw, TokenCounts(input_tokens=answer.visual_tokens)) for answer in answers]

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[list[str]]:
        """Greedy answers to every round of each request; a round is told the answers before it, as its task wants it."""
        results = []
        for request in requests:
            given: list[str] = []
            while (turn := self._next_turn(request, given)) is not None:
                (answer,) = self._answered([turn])
                task, document = _place(request)
                self.answers[task, document, len(given)] = answer
                given.append(answer.raw)
            results.append(given)
        return results

    def _answered(self, turns: Sequence[_Turn]) -> list[Answer]:
        asks = [Ask(self._video(turn.video), turn.text) for turn in turns]
        answers: dict[int, Answer] = {}
        for block in blocks(asks, self._answering.cost):
            for place, answer in self._answering.answer([asks[i] for i in block], [turns[i].length for i in block]):
                index = block[place]
                answers[index] = replace(answer, raw=cut(answer.raw, turns[index].stops))
        return [answers[index] for index in range(len(turns))]

    def _turn(self, request: Instance) -> _Turn:
        _, to_messages, settings, number, task, split = request.args
        return self._message(to_messages(self._doc(task, split, number)), settings, request)

    def _next_turn(self, request: Instance, given: Sequence[str]) -> _Turn | None:
        _, to_messages, settings, number, task, split = request.args
        doc = self._doc(task, split, number)
        message, terminal, _, _ = to_messages(doc, round_idx=len(given), previous_output=list(given), previous_round_info=None)
        return None if terminal else self._message(message, settings, request)

    def _message(self, messages: Any, settings: Mapping[str, Any], request: Instance) -> _Turn:
        chat = ChatMessages(messages=messages)
        _, videos, audios = chat.extract_media()
        # lmms-eval takes .webm for sound, whatever is in it.
        videos = [*videos, *(path for path in audios if str(path).endswith(".webm"))]
        texts = [part.text for message in chat.messages for part in message.content if part.type == "text"]
        return _as_turn(videos, "\n".join(texts), settings, request)

    def _doc(self, task: str, split: str, number: int) -> Any:
        return self.task_dict[task][split][number]

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        """Refused: answers are generated and parsed strictly, never ranked."""
        raise UnsupportedRequest(f"task {requests[0].task_name}: framethrift generates answers; choose the generate_until form")

    def clean(self) -> None:
        """Keep the model: lmms-eval would delete it after the first evaluation."""


class SimpleModel(ChatModel):
    """The same through lmms-eval's simple interface (`--force_simple`)."""

    is_simple = True

    def _turn(self, request: Instance) -> _Turn:
        text, settings, to_visual, number, task, split = request.args
        return _as_turn(to_visual(self._doc(task, split, number)), text, settings, request)

    def _next_turn(self, request: Instance, given: Sequence[str]) -> _Turn | None:
        _, settings, _, to_text, number, task, split = request.args
        doc = self._doc(task, split, number)
        visuals, text, terminal, _, _ = to_text(doc, round_idx=len(given), previous_output=list(given), previous_round_info=None)
        return None if terminal else _as_turn(visuals, text, settings, request)


def _place(request: Instance) -> tuple[str, int]:
    """Task and document number, which end every request's arguments before the split."""
    number, task, _ = request.args[-3:]
    return task, number


def _as_turn(visuals: Sequence[Any], text: str, settings: Mapping[str, Any], request: Instance) -> _Turn:
    task, number = _place(request)
    if len(visuals) != 1 or not isinstance(visuals[0], str | Path):
        raise UnsupportedRequest(f"task {task}, document {number}: expected one video's path, found {len(visuals)} visuals")
    length, stops = decoding_of(settings)
    return _Turn(Path(visuals[0]), text, length or DEFAULT_NEW_TOKENS, stops)
