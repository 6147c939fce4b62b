"""How often a base MLLM answers each training question, and the queries it writes: MSJoE's difficulty c (facts of stage 1)."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.training import KeyFrames
from framethrift.evaluation.decoding import Conversation, decode
from framethrift.files import replace_file
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import ANSWER_TOKENS, QUERY_TOKENS, query_prompt
from framethrift.progress import Progress
from framethrift.selectors import SelectorInput, select
from framethrift.selectors.uniform import anchors
from framethrift.tokens import StreamItem
from lightning_modules.data import Candidates
from lightning_modules.mllm import Mllm, load_mllm, open_mllm
from lightning_modules.rollouts import Asked, ask

VIDEOS_AT_ONCE = 8
TOKENS_AT_ONCE = 8192  # packed prompt tokens per forward pass
FRAMES_AT_ONCE = 64
_TEXTS = ("question_id", "video_id", "dataset", "query_text")


def measure_pass_rates(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Measure a VideoLM variant's pass rates on the train questions of every sampler variant built on it.

    Each question gets `sampler.tries` greedy answers, every try from K frames drawn uniformly at random (the paper does not
    say from which frames); a video's questions share its draws. Beside them the queries the model writes greedily from the
    previews: stage 1 keeps the MLLM frozen, so they are written once.
    Writes the parquet table layout.pass_rates: question_id, video_id, dataset, tries, right, pass_rate, query_text.
    """
    training, reader_of = study.training_of(variant), _opened(study, layout, variant, seed)
    tables = []
    params = {"tries": training.sampler.tries, "key_frames": training.key_frames.model_dump()}
    with tracking.stage_run(layout, study, stage="pass_rates", name=variant, seed=seed, params=params) as run:
        for dataset in study.rated_datasets(variant):
            asked, rows = ask(layout, dataset, "train")
            reader = reader_of(rows)
            with Progress(
                f"pass rates {variant} seed{seed}", rows.index.isin([one.video_id for one in asked]).sum(), "videos"
            ) as progress:
                tables.append(pd.DataFrame(reader.measure(asked, progress)).assign(dataset=dataset))
        table = pd.concat(tables, ignore_index=True)
        rates = table["pass_rate"]
        run.log_metrics({"pass_rate": rates.mean(), "always_right": (rates == 1).mean(), "never_right": (rates == 0).mean()})
    path = layout.pass_rates(variant, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = dict.fromkeys(_TEXTS, str)
    replace_file(path, lambda partial: table.astype(texts).to_parquet(partial, index=False))


def _opened(study: Study, layout: Layout, variant: str, seed: int) -> "Callable[[pd.DataFrame], _Reader | _SeenReader]":
    """A function from the codec rows of a split to what answers about them, with one model for all."""
    training, folder = study.training_of(variant), layout.model(variant, seed)
    frames, tries = training.key_frames, training.sampler.tries
    if study.backbone_of(variant) is not None:
        mllm = open_mllm(folder)
        return lambda rows: _SeenReader(mllm, layout, rows, frames, tries, seed)
    model, processor = load_mllm(folder)
    return lambda rows: _Reader(model, processor, Candidates(layout, rows, frames.candidate_fps), study, variant, seed)


def _by_video(asked: Sequence[Asked]) -> list[list[Asked]]:
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.video_id, []).append(one)
    return list(groups.values())


def _rows(group: Sequence[Asked], tries: Sequence[Sequence[str]], written: Sequence[str]) -> Iterator[dict[str, object]]:
    """One row per question from the texts of each try and the query text, all in the group's order."""
    for number, one in enumerate(group):
        right = sum(one.read(texts[number])[0] for texts in tries)
        yield {
            "question_id": one.question_id,
            "video_id": one.video_id,
            "tries": len(tries),
            "right": right,
            "pass_rate": right / len(tries),
            "query_text": written[number],
        }


class _SeenReader:
    """Answers and queries of a published MLLM about the videos of one split."""

    def __init__(self, mllm: Mllm, layout: Layout, rows: pd.DataFrame, frames: KeyFrames, tries: int, seed: int) -> None:
        self._reasoner, self._looking = mllm.reasoner, mllm.looking(layout, rows, frames)
        self._frames, self._tries, self._seed = frames, tries, seed

    def measure(self, asked: Sequence[Asked], progress: Progress) -> Iterator[dict[str, object]]:
        """One row per question, video by video; every try is answered greedily from K frames drawn at random."""
        for index, group in enumerate(_by_video(asked)):
            video = group[0].video_id
            count, rng = len(self._looking.times(video)), np.random.default_rng([self._seed, index])
            draws = [np.sort(rng.permutation(count)[: self._frames.frames]).tolist() for _ in range(self._tries)]
            prompts = [one.prompt for one in group]
            tries = [self._reasoner.answer(prompts, self._shown(group, draw, preview=False)).texts for draw in draws]
            previews = anchors(count, self._frames.previews).tolist() if self._frames.previews else []
            shown = self._shown(group, previews, preview=True)
            yield from _rows(group, tries, self._reasoner.write_queries([one.question for one in group], shown).texts)
            progress.advance()

    def _shown(self, group: Sequence[Asked], frames: Sequence[int], *, preview: bool) -> list[Any]:
        return self._looking.shown([(one.video_id, frames) for one in group], preview=preview)


class _Reader:
    """Answers and queries of one model about the videos of one split."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        candidates: Candidates,
        study: Study,
        variant: str,
        seed: int,
    ) -> None:
        training = study.training_of(variant)
        self._model, self._processor, self._candidates, self._seed = model, processor, candidates, seed
        self._frames, self._tries = training.key_frames, training.sampler.tries
        self._prefixes: dict[tuple[int, int], list[int]] = {}

    def measure(self, asked: Sequence[Asked], progress: Progress) -> Iterator[dict[str, object]]:
        """One row per question, video by video."""
        groups = _by_video(asked)
        for start in range(0, len(groups), VIDEOS_AT_ONCE):
            some = groups[start : start + VIDEOS_AT_ONCE]
            looked = [self._look(start + offset, group) for offset, group in enumerate(some)]
            texts = iter(self._decode([previews for previews, _ in looked], QUERY_TOKENS))
            answers = iter(self._decode([shown for _, tries in looked for shown in tries], ANSWER_TOKENS))
            for group, (_, tries) in zip(some, looked, strict=True):
                written, answered = next(texts), [next(answers) for _ in tries]
                yield from _rows(group, answered, written)
            progress.advance(len(some))

    def _look(self, index: int, group: Sequence[Asked]) -> tuple[Conversation, list[Conversation]]:
        """The video's previews with the prompts for queries, and its random key frames of each try with the questions."""
        times, frames = self._candidates.get(group[0].video_id)
        rng = np.random.default_rng([self._seed, index])
        spread = SelectorInput(times, None, "", max(1, self._frames.previews), rng)
        previews = select("uniform", spread) if self._frames.previews else np.empty(0, np.int64)
        drawn = [select("random", SelectorInput(times, None, "", self._frames.frames, rng)) for _ in range(self._tries)]
        used = np.unique(np.concatenate([previews, *drawn]))
        parts = [
            self._processor.pixels(frames[used[start : start + FRAMES_AT_ONCE]]) for start in range(0, len(used), FRAMES_AT_ONCE)
        ]
        with torch.no_grad():
            features = torch.cat([self._model.vision_features(part.to(self._model.device)) for part in parts])
        where = {int(frame): place for place, frame in enumerate(used)}

        def conversation(chosen: np.ndarray, grid: int, turns: list[list[int]]) -> Conversation:
            shown = features[[where[int(frame)] for frame in chosen]] if len(chosen) else None
            return Conversation(self._prefix(len(chosen), grid), turns, shown, [grid] * len(chosen), None)

        prompts = [self._processor.question_ids(query_prompt(one.question)) for one in group]
        questions = [self._processor.question_ids(one.prompt) for one in group]
        grid = self._frames.grid or self._processor.grid
        return conversation(previews, self._frames.preview_grid, prompts), [conversation(row, grid, questions) for row in drawn]

    def _prefix(self, images: int, grid: int) -> list[int]:
        """Token ids before the question, behind so many frames: the same for every video."""
        if (images, grid) not in self._prefixes:
            stream = self._processor.expand([StreamItem("I", 0, 0, 0.0)] * images, [grid] * images)
            self._prefixes[images, grid] = self._processor.prefix_ids(stream)
        return self._prefixes[images, grid]

    def _decode(self, conversations: list[Conversation], longest: int) -> list[list[str]]:
        """Greedy texts per conversation and question, as many conversations at a time as fit."""
        tokenizer = self._processor.tokenizer
        size = max(1, TOKENS_AT_ONCE // max(conversation.length for conversation in conversations))
        texts: list[list[str]] = []
        for start in range(0, len(conversations), size):
            decoded = decode(self._model, tokenizer, conversations[start : start + size], longest)
            texts += [[tokenizer.decode(ids) for ids in answers] for answers in decoded]
        return texts
