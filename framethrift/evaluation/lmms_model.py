"""Our model in lmms-eval's own evaluation loop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms

from framethrift.evaluation.answering import Answer, Answerer
from framethrift.evaluation.ask import ClipEncoder, open_folder
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask

DEFAULT_NEW_TOKENS = 1024  # where a task states none, as lmms-eval's LLaVA models
Find = Callable[[Path], tuple[EncodedVideo, EncodedVideo | None]]


class UnsupportedRequest(TypeError):
    """A request that a model which answers by greedy generation cannot serve."""


class FramethriftModel(lmms):
    """Answers lmms-eval's requests with an Answerer; `answers` keeps what led to each answer, by (task, document number).

    `find` gives the re-encoded video of a path that a task's doc_to_visual returns, and its donor for `delta: swap`. `report` is
    called with the number of questions answered so far.
    """

    def __init__(self, answerer: Answerer, find: Find, report: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self._answerer, self._find, self._report = answerer, find, report
        self.device = answerer.model.device
        self.answers: dict[tuple[str, int], Answer] = {}

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Greedy answers; an answer ends at the end token, after max_new_tokens, or before a string of `until`.

        Requests of all tasks in the call that ask about one video are answered behind one reading of it.
        """
        results: dict[int, GenerationResult] = {}
        by_length: dict[int, list[int]] = {}
        for index, request in enumerate(requests):
            by_length.setdefault(_length(request.args[1]), []).append(index)
        for length, indices in by_length.items():
            asks = [self._ask(requests[index]) for index in indices]
            for place, answer in self._answerer.answer(asks, length):
                index = indices[place]
                _, settings, _, document, task, _ = requests[index].args
                answer = replace(answer, raw=_until(answer.raw, settings))
                self.answers[task, document] = answer
                results[index] = GenerationResult(answer.raw, TokenCounts(input_tokens=answer.visual_tokens))
                if self._report is not None:
                    self._report(len(self.answers))
        return [results[index] for index in range(len(requests))]

    def _ask(self, request: Instance) -> Ask:
        question, _, doc_to_visual, document, task, split = request.args
        doc: Mapping[str, Any] = self.task_dict[task][split][document]
        visuals = doc_to_visual(doc)
        if len(visuals) != 1 or not isinstance(visuals[0], str | Path):
            raise UnsupportedRequest(f"task {task}, document {document}: expected one video's path, found {len(visuals)} visuals")
        video, donor = self._find(Path(visuals[0]))
        evidence = tuple((float(start), float(end)) for start, end in doc.get("evidence") or ())
        return Ask(video, question, donor, evidence)

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        """Refused: answers are generated and parsed strictly, never ranked."""
        raise UnsupportedRequest(f"task {requests[0].task_name}: framethrift generates answers; choose the generate_until form")

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> NoReturn:
        """Refused: a question is asked once."""
        raise UnsupportedRequest(f"task {requests[0].task_name}: framethrift answers one question at a time, not in rounds")

    def clean(self) -> None:
        """Keep the model: lmms-eval would delete it after the first evaluation."""


class FolderModel(FramethriftModel):
    """A trained variant's folder as an lmms-eval model: `--model framethrift --model_args model=results/mini/models/cope`.

    Videos are re-encoded to the folder's recipe as they come. lmms-eval also passes batch sizes; batches are built by tokens.
    """

    def __init__(
        self, model: str, device: str | None = None, batch_size: int | str | None = None, max_batch_size: int | None = None
    ) -> None:
        opened = open_folder(Path(model), None, device)
        encoder = ClipEncoder(opened.recipe)
        super().__init__(opened.answerer, lambda path: (encoder(path), None))


def _length(settings: Mapping[str, Any]) -> int:
    """max_new_tokens of a task's generation settings. Raises UnsupportedRequest for anything but greedy decoding."""
    if settings.get("do_sample") or settings.get("temperature") or (settings.get("num_beams") or 1) > 1:
        raise UnsupportedRequest(f"generation_kwargs {dict(settings)}: only greedy decoding (no sampling, no beams)")
    return int(settings.get("max_new_tokens") or DEFAULT_NEW_TOKENS)


def _until(raw: str, settings: Mapping[str, Any]) -> str:
    stops = settings.get("until") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        raw = raw.split(stop, 1)[0]
    return raw
