"""Training conversations: a shown video and what is asked about it, drawn from a study's train split.

A source first draws what to show, then reads it: of several training processes each draws the whole batch, as one alone would,
and reads the videos of its share.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.codec import Gop
from framethrift.config import Layout, Study
from framethrift.config.sampling import Select, Stream
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import format_queries, query_prompt
from framethrift.selectors import SelectorInput, select
from framethrift.tokens import StreamItem, TokenCosts, fixed_slots, plan_selected, plan_stream, require_fit, token_budget
from framethrift.tokens.packing import IGNORED, pack
from lightning_modules import processes
from lightning_modules.captions import CAPTION_PROMPT, first_captions
from lightning_modules.data import Candidates, Gops, manifest, questions, step_rng
from lightning_modules.length_groups import grouped

PREFIXES = 64  # token ids kept of streams, which may be long


@dataclass(frozen=True)
class Conversation:
    """What is shown, as a token stream with its tensors' sources, and the question-answer pairs about it."""

    items: list[StreamItem]
    frames: NDArray[np.uint8]  # (n_I, H, W, 3)
    pairs: list[tuple[str, str]]
    grid: int | None = None
    primitives: list[tuple[NDArray[np.int16], NDArray[np.int16]]] = field(
        default_factory=list
    )  # (H, W, 2), (H, W, 3) per P-frame


class StreamConversations:
    """One conversation per video: its GOPs as a token stream, all its questions (and its caption) behind it.

    Where a selector chooses the I-frames (`rest: delta`), it does so once for all of the video's questions; the oracle sees the
    evidence of them all. Such a video comes as often in an epoch as it has questions, as with frames chosen question by question.
    """

    def __init__(self, study: Study, layout: Layout, variant: str, samplings: list[Stream | Select], costs: TokenCosts) -> None:
        settings = study.videolm(variant)
        datasets = settings.datasets
        self._grid = study.training_of(variant).key_frames.grid
        asked = questions(layout, datasets, "train").groupby("video_id")
        self._evidence = {
            video: sorted({(float(start), float(end)) for spans in rows["evidence"] for start, end in spans})
            for video, rows in asked
        }
        self._pairs = {video: list(zip(rows["question"], rows["answer"], strict=True)) for video, rows in asked}
        if settings.captions:
            for video, caption in first_captions(layout, datasets).items():
                self._pairs.setdefault(video, []).append((CAPTION_PROMPT, caption))
        rows = manifest(layout, datasets, "train")
        asked_about = rows[rows.index.isin(list(self._pairs))]
        self._gops = Gops(layout, asked_about, cached=study.training_of(variant).primitive_cache)
        self._videos = list(self._gops.rows.index)
        self._samplings, self._costs = samplings, costs
        self._names = [next(name for name in settings.samplings if study.samplings[name] is one) for one in samplings]
        self._context = study.models_of(variant).language.context
        self._chosen_once = all(isinstance(sampling, Stream) for sampling in samplings)

    def __len__(self) -> int:
        return len(self._videos) if self._chosen_once else sum(len(self._pairs[video]) for video in self._videos)

    def lengths(self) -> NDArray[np.int64]:
        """(n,) about how long each conversation is: visual tokens, the mean over the samplings, and words; nothing is read."""
        videos = [self._visual(video) + _words(self._pairs[video]) for video in self._videos]
        return np.array(videos)[np.arange(len(self)) % len(videos)]

    def _visual(self, video: str) -> int:
        row = self._gops.rows.loc[video]
        keyframes = [int(number) for number in row["keyframes"]]
        facts = keyframes, int(row["frames"]), float(row["fps"])
        costs = [self._cost(sampling, *facts, int(row["window"])) for sampling in self._samplings]
        return sum(costs) // len(costs)

    def _cost(self, sampling: Stream | Select, keyframes: list[int], frames: int, fps: float, window: int) -> int:
        if isinstance(sampling, Stream):
            return token_budget(fixed_slots(keyframes, frames, fps, sampling.window or window).plan(sampling), self._costs)
        slots = fixed_slots(keyframes, frames, fps, window)
        return token_budget((sampling.frames, len(plan_selected(slots.times, slots.valid, ()))), self._costs)

    def draw(self, index: int, rng: np.random.Generator) -> Callable[[], Conversation]:
        """Conversation `index` under one of the samplings, as a function that reads it."""
        number, video = int(rng.integers(len(self._samplings))), self._videos[index % len(self._videos)]
        sampling = self._samplings[number]
        if isinstance(sampling, Stream):
            return lambda: self._read(video, sampling, self._names[number])
        times = self._gops.candidate_times(video, sampling.candidate_fps)
        given = SelectorInput(times, None, "", sampling.frames, rng, self._evidence.get(video))
        chosen = times[select(sampling.selector, given)].tolist()
        return lambda: self._mixed(video, chosen, self._names[number])

    def _mixed(self, video: str, chosen: list[float], name: str) -> Conversation:
        gops, times = self._slots(video)
        items = plan_selected(times, ~np.isnan(times), chosen)
        side = self._grid
        costs = self._costs if side is None else replace(self._costs, image_tokens=side * side, newline_tokens=side)
        require_fit(items, costs, self._context, 0, name, "frames")
        return self._seen(video, items, gops, side)

    def _read(self, video: str, sampling: Stream, name: str) -> Conversation:
        if sampling.fusion == "adaptive":
            slots = self._gops.adaptive_slots(video, sampling, self._costs)
            items = slots.plan(sampling)
            gops = {number: self._gops.get(video, number, slots.window_of(number)) for number in {item.gop for item in items}}
        else:
            gops, times = self._slots(video, sampling.window)
            items = plan_stream(times, ~np.isnan(times), sampling)
        require_fit(items, self._costs, self._context, 0, name)
        return self._seen(video, items, gops, None)

    def _slots(self, video: str, window: int | None = None) -> tuple[dict[int, Gop], NDArray[np.float64]]:
        """The video's GOPs, and the times (G, S) of their slots, NaN where there is none."""
        gops = {number: self._gops.get(video, number, window) for number in range(self._gops.count(video))}
        times = np.full((len(gops), max(len(gop.times) for gop in gops.values())), np.nan)
        for number, gop in gops.items():
            times[number, : len(gop.times)] = gop.times
        return gops, times

    def _seen(self, video: str, items: list[StreamItem], gops: dict[int, Gop], grid: int | None) -> Conversation:
        frames = np.stack([gops[item.gop].frames[item.slot] for item in items if item.kind == "I"])
        primitives = [(gops[i.gop].motion[i.slot - 1], gops[i.gop].residual[i.slot - 1]) for i in items if i.kind == "P"]
        return Conversation(items, frames, self._pairs[video], grid, primitives)


class SelectConversations:
    """One conversation per question: the frames that a selector picks for it, or previews and the visual queries to write."""

    def __init__(self, study: Study, layout: Layout, variant: str, samplings: list[Select], grid: int, seed: int) -> None:
        self._grid = grid  # of a frame at the tower's full resolution
        settings, frames = study.videolm(variant), study.training_of(variant).key_frames
        self._frames, self._samplings = frames, samplings
        self._questions = questions(layout, settings.datasets, "train")
        rows = manifest(layout, settings.datasets, "train")
        self._questions = self._questions[self._questions["video_id"].isin(rows.index)].reset_index(drop=True)
        self._candidates = Candidates(layout, rows, frames.candidate_fps)
        queries = self._questions["queries"]
        self._targets = query_targets(queries, settings.corrupted_queries, seed) if settings.query_reasoning else []

    def __len__(self) -> int:
        return len(self._questions) + len(self._targets)

    def lengths(self) -> NDArray[np.int64]:
        """(n,) about how long each conversation is: visual tokens, the mean over the samplings, and words; nothing is read."""
        settings, full = self._frames, self._frames.grid or self._grid
        frames = sum(sampling.frames for sampling in self._samplings) // len(self._samplings)
        shown = token_budget((frames, 0), TokenCosts.of(full, 0, 0))
        hint = token_budget((settings.previews, 0), TokenCosts.of(settings.preview_grid, 0, 0))
        asked = list(zip(self._questions["question"], self._questions["answer"], strict=True))
        written = [(question, " ".join(own)) for (question, _), own in zip(asked, self._targets, strict=False)]
        return np.array([shown + _words([pair]) for pair in asked] + [hint + _words([pair]) for pair in written])

    def draw(self, index: int, rng: np.random.Generator) -> Callable[[], Conversation]:
        """Answering for the first len(questions) indices, query reasoning for the rest; as a function that reads the frames."""
        row = self._questions.iloc[index % len(self._questions)]
        video = row["video_id"]
        times = self._candidates.times(video)
        if index >= len(self._questions):
            chosen = select("uniform", SelectorInput(times, None, row["question"], self._frames.previews, rng))
            pair = (query_prompt(row["question"]), format_queries(self._targets[index - len(self._questions)]))
            return lambda: self._read(video, chosen, pair, self._frames.preview_grid)
        sampling = self._samplings[rng.integers(len(self._samplings))]
        evidence = [(float(start), float(end)) for start, end in row["evidence"]]
        spent = self._candidates.packet_bytes(video) if sampling.selector == "packet_size" else None
        given = SelectorInput(times, None, row["question"], sampling.frames, rng, evidence, packet_bytes=spent)
        chosen = select(sampling.selector, given)
        return lambda: self._read(video, chosen, (row["question"], row["answer"]), self._frames.grid)

    def _read(self, video: str, chosen: NDArray[np.int64], pair: tuple[str, str], grid: int | None) -> Conversation:
        times, frames = self._candidates.get(video)
        items = [StreamItem("I", 0, int(index), float(times[index])) for index in chosen]
        return Conversation(items, frames[chosen], [pair], grid)


def _words(pairs: list[tuple[str, str]]) -> int:
    return sum(len(question.split()) + len(answer.split()) for question, answer in pairs)


def without_video(conversation: Conversation) -> Conversation:
    """The same questions with nothing shown: a model that never saw this would not even try to answer blind."""
    return Conversation([], conversation.frames[:0], conversation.pairs, conversation.grid)


def query_targets(queries: "pd.Series[list[str]]", corrupted: float, seed: int) -> list[list[str]]:
    """Reference queries, a share of whose things (last words) is systematically named as another thing.

    Random noise would vanish under greedy decoding; a systematic error stays, and leaves joint evolution something to learn.
    """
    things = sorted({query.split()[-1] for row in queries for query in row})
    wrong = np.random.default_rng([seed, len(things)]).permutation(len(things))[: round(corrupted * len(things))]
    renamed = {things[index]: things[(index + 1) % len(things)] for index in wrong}
    return [
        [" ".join([*query.split()[:-1], renamed.get(query.split()[-1], query.split()[-1])]) for query in row] for row in queries
    ]


class Conversations:
    """Batches of conversations in the order of seeded permutations of the train split: every one once per epoch."""

    def __init__(self, study: Study, layout: Layout, variant: str, processor: CopeVideoProcessor, seed: int) -> None:
        settings = study.videolm(variant)
        shown = [study.samplings[name] for name in settings.samplings]
        streams = [own for own in shown if isinstance(own, Stream) or (isinstance(own, Select) and own.rest == "delta")]
        selects = [own for own in shown if isinstance(own, Select) and own.rest == "drop"]
        self._sources: list[StreamConversations | SelectConversations] = []
        if streams:
            self._sources.append(StreamConversations(study, layout, variant, streams, processor.costs()))
        if selects:
            self._sources.append(SelectConversations(study, layout, variant, selects, processor.grid, seed))
        self._lengths = [len(source) for source in self._sources]
        self._processor, self._seed = processor, seed
        training = study.training_of(variant).videolm
        self._size, self._blind_share = training.batch_size, settings.blind_share
        self._measured = np.concatenate([source.lengths() for source in self._sources]) if training.length_grouped else None
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))
        self._prefix_ids = lru_cache(PREFIXES)(processor.prefix_ids)  # most videos of a miniature look alike in tokens

    def _index(self, number: int) -> int:
        total = sum(self._lengths)
        epoch, place = divmod(number, total)
        if self._order[0] != epoch:
            rng = np.random.default_rng([self._seed, epoch, total])
            order = rng.permutation(total)
            if self._measured is not None:
                order = grouped(order, self._measured, self._size, -epoch * total % self._size, rng)
            self._order = (epoch, order)
        return int(self._order[1][place])

    def batch(self, step: int) -> dict[str, Tensor]:
        """This process's share of the batch of a step, as the VideoLM's `forward` takes it."""
        return self.collate(self._drawn(step))

    def parts(self, step: int, number: int) -> list[dict[str, Tensor]]:
        """`batch` in `number` nearly equal parts; each says in `supervised` how many tokens all of them learn from.

        Conversations of like length go together, so that little is padded; what the batch teaches is the same.
        """
        drawn = sorted(self._drawn(step), key=self._length)
        cuts = [len(drawn) * part // number for part in range(number + 1)]
        batches = [self.collate(drawn[start:end]) for start, end in pairwise(cuts)]
        whole = sum((batch["labels"][:, 1:] != IGNORED).sum() for batch in batches)
        return [batch | {"supervised": torch.as_tensor(whole)} for batch in batches]

    def _length(self, conversation: Conversation) -> int:
        counts = len(conversation.frames), len(conversation.primitives)
        return token_budget(counts, self._processor.costs(conversation.grid)) + _words(conversation.pairs)

    def _drawn(self, step: int) -> list[Conversation]:
        rng = step_rng(self._seed, step)
        drawn: list[tuple[Callable[[], Conversation], bool]] = []
        for number in range(step * self._size, (step + 1) * self._size):
            index = self._index(number)
            for source, length in zip(self._sources, self._lengths, strict=True):
                if index < length:
                    drawn.append((source.draw(index, rng), rng.random() < self._blind_share))
                    break
                index -= length
        own = drawn[processes.share(len(drawn))]
        return [without_video(read()) if blind else read() for read, blind in own]

    def collate(self, drawn: list[Conversation]) -> dict[str, Tensor]:
        """Pack conversations into one batch; every question sees the video and itself only."""
        processor = self._processor
        prefixes, pairs = [], []
        for conversation in drawn:
            grids = None if conversation.grid is None else [conversation.grid] * len(conversation.frames)
            prefixes.append(self._prefix_ids(processor.expand(conversation.items, grids)))
            pairs.append([(processor.question_ids(asked), processor.answer_ids(said)) for asked, said in conversation.pairs])
        packed = pack(prefixes, pairs, processor.tokenizer.pad_token_id)
        full = processor.grid
        batch = {
            "input_ids": torch.from_numpy(packed.input_ids),
            "position_ids": torch.from_numpy(packed.position_ids),
            "labels": torch.from_numpy(packed.labels),
            "attention_mask": torch.from_numpy(packed.attention()),
        }
        seen = [conversation for conversation in drawn if len(conversation.frames)]
        if seen:
            batch["pixel_values"] = torch.cat([processor.pixels(conversation.frames) for conversation in seen])
            batch["image_grids"] = torch.tensor([conversation.grid or full for conversation in seen for _ in conversation.frames])
        primitives = [pair for conversation in drawn for pair in conversation.primitives]
        if primitives:
            resized = [processor.primitives(motion[None], residual[None]) for motion, residual in primitives]
            batch["motion"] = torch.cat([motion for motion, _ in resized])
            batch["residual"] = torch.cat([residual for _, residual in resized])
        return batch
