"""Rollouts of MSJoE: from a question to previews, queries, similarity, key frames, answer, and whether it is right."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from framethrift.config import Layout
from framethrift.config.training import KeyFrames
from framethrift.evaluation.parse import LETTERS, parse_answer
from framethrift.models.clip import similarity
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.reasoning import Reasoner, lettered_prompt, scoring_queries
from framethrift.models.sampler import UNetSampler
from framethrift.models.set_draw import top_frames
from framethrift.selectors.uniform import anchors
from lightning_modules.data import manifest, questions
from lightning_modules.frame_bank import Looking

QUESTIONS_AT_ONCE = 64


@dataclass(frozen=True)
class Asked:
    """A question whose answer can be checked by rule; `evidence` are [start, end] seconds, both shown."""

    question_id: str
    video_id: str
    question: str
    answer: str
    options: tuple[str, ...]
    lettered: bool
    evidence: tuple[tuple[float, float], ...]

    @property
    def prompt(self) -> str:
        """What the MLLM is asked when it answers: the question, with its options where they are lettered."""
        return lettered_prompt(self.question, self.options) if self.lettered else self.question

    def read(self, text: str) -> tuple[bool, bool]:
        """Whether the text is the true answer, and whether it is an answer at all; evaluation's own parser decides."""
        parsed = parse_answer(text, self.options, self.lettered)
        truth = self.answer
        if self.lettered and truth not in LETTERS:
            truth = LETTERS[self.options.index(truth)]
        return parsed == truth, parsed is not None


def ask(layout: Layout, dataset: str, split: str) -> tuple[list[Asked], pd.DataFrame]:
    """Questions of a split about re-encoded videos, in the order of their ids, and the videos' rows of the codec manifest.

    Raises ValueError when there is none, or one has no options: rewards need answers that a rule can check.
    """
    rows = manifest(layout, [dataset], split)
    table = questions(layout, [dataset], split)
    table = table[table["video_id"].isin(rows.index)]
    if table.empty:
        raise ValueError(f"dataset {dataset!r} has no question about a re-encoded {split} video")
    asked = []
    for row in table.to_dict("records"):
        if not len(row["options"]):
            raise ValueError(
                f"question {row['question_id']!r} has no options: reinforcement learning needs answers a rule can check"
            )
        asked.append(
            Asked(
                question_id=row["question_id"],
                video_id=row["video_id"],
                question=row["question"],
                answer=row["answer"],
                options=tuple(row["options"]),
                lettered=bool(row["letter"]),
                evidence=tuple((float(start), float(end)) for start, end in row["evidence"]),
            )
        )
    return asked, rows


@dataclass(frozen=True, eq=False)
class Scores:
    """What the sampler reads of R rollouts: cosines (R, N, T) with the queries and frames that exist, (R, N) and (R, T) bool."""

    similarity: Tensor
    query_mask: Tensor
    frame_mask: Tensor

    def rows(self) -> list[NDArray[np.float32]]:
        """Each rollout's own cosines (N_r, T_r)."""
        parts = zip(self.similarity.cpu(), self.query_mask.cpu(), self.frame_mask.cpu(), strict=True)
        return [cosines[queries][:, frames].numpy() for cosines, queries, frames in parts]


class Rollouts:
    """Everything a rollout reads about the videos of one split."""

    def __init__(
        self,
        reasoner: Reasoner,
        bank: Looking,
        clip: FrameEmbeddings,
        rows: pd.DataFrame,
        settings: KeyFrames,
        max_queries: int,
    ) -> None:
        self.reasoner, self.settings = reasoner, settings
        self._bank, self._clip, self._rows = bank, clip, rows
        self._most = max_queries
        self._embeddings: dict[str, NDArray[np.float16]] = {}

    @property
    def logit_scale(self) -> float:
        """The CLIP's exp(temperature)."""
        return self._clip.scorer.logit_scale

    def previews(self, asked: Sequence[Asked]) -> Sequence[Any]:
        """What the MLLM reads of P uniform low-resolution frames per question: of B questions, B parts."""
        count = self.settings.previews
        wanted = [(one.video_id, anchors(len(self._bank.times(one.video_id)), count).tolist() if count else []) for one in asked]
        return self._bank.shown(wanted, preview=True)

    def frames(self, asked: Sequence[Asked], chosen: Tensor) -> Sequence[Any]:
        """What it reads of the chosen candidates (R, K) of each rollout's video, shown in temporal order: R parts."""
        wanted = [(one.video_id, row) for one, row in zip(asked, chosen.sort(dim=-1).values.tolist(), strict=True)]
        return self._bank.shown(wanted, preview=False)

    def scores(self, asked: Sequence[Asked], queries: Sequence[Sequence[str]]) -> Scores:
        """Similarity of each rollout's queries to its video's candidates; queries beyond the sampler's limit are left out."""
        texts = sorted({text for written in queries for text in written[: self._most]})
        embedded = dict(zip(texts, self._clip.scorer.embed_texts(texts), strict=True))
        known: dict[tuple[str, tuple[str, ...]], NDArray[np.float32]] = {}
        matrices = []
        for one, written in zip(asked, queries, strict=True):
            key = one.video_id, tuple(written[: self._most])
            if key not in known:
                known[key] = similarity(np.stack([embedded[text] for text in key[1]]), self._frame_embeddings(one.video_id))
            matrices.append(known[key])
        shape = max(len(m) for m in matrices), max(m.shape[1] for m in matrices)
        cosines, present = np.zeros((len(matrices), *shape), np.float32), np.zeros((len(matrices), *shape), bool)
        for row, matrix in enumerate(matrices):
            cosines[row, : matrix.shape[0], : matrix.shape[1]] = matrix
            present[row, : matrix.shape[0], : matrix.shape[1]] = True
        device = self.reasoner.model.device
        held = torch.from_numpy(present).to(device)
        return Scores(torch.from_numpy(cosines).to(device), held.any(dim=2), held.any(dim=1))

    def _frame_embeddings(self, video_id: str) -> NDArray[np.float16]:
        if video_id not in self._embeddings:
            path, digest = (str(self._rows.at[video_id, column]) for column in ("path", "stream_digest"))
            self._embeddings[video_id] = self._clip.get(video_id, path, digest)[1]
        return self._embeddings[video_id]

    def right(self, asked: Sequence[Asked], chosen: Tensor) -> NDArray[np.bool_]:
        """(B, D) whether the greedy answer from each drawn set (B, D, K) is right; equal sets are answered once."""
        sets = chosen.sort(dim=-1).values
        places: dict[tuple[int, tuple[int, ...]], int] = {}
        order = [(row, tuple(frames)) for row, draws in enumerate(sets.tolist()) for frames in draws]
        for key in order:
            places.setdefault(key, len(places))
        rows = [asked[row] for row, _ in places]
        frames = self.frames(rows, torch.tensor([frames for _, frames in places]))
        texts = self.reasoner.answer([one.prompt for one in rows], frames).texts
        found = [one.read(text)[0] for one, text in zip(rows, texts, strict=True)]
        return np.array([found[places[key]] for key in order]).reshape(sets.shape[:2])

    def embeddings(self, asked: Sequence[Asked]) -> tuple[Tensor, Tensor, Tensor]:
        """CLIP embeddings of the bare questions (B, d) and their videos' candidates (B, T, d), and which exist (B, T)."""
        frames = [self._frame_embeddings(one.video_id).astype(np.float32) for one in asked]
        held = np.zeros((len(asked), max(map(len, frames))), bool)
        padded = np.zeros((*held.shape, frames[0].shape[1]), np.float32)
        for row, own in enumerate(frames):
            held[row, : len(own)], padded[row, : len(own)] = True, own
        questions = torch.from_numpy(self._clip.scorer.embed_texts([one.question for one in asked]))
        device = self.reasoner.model.device
        return questions.to(device), torch.from_numpy(padded).to(device), torch.from_numpy(held).to(device)

    def shown(self, asked: Sequence[Asked], chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """(B, D) share of the frames of each set (B, D, K) that lie in the question's evidence; 0 without evidence."""
        shares = np.zeros(chosen.shape[:2])
        for row, one in enumerate(asked):
            times = self._bank.times(one.video_id)[chosen[row]]
            inside = [(times >= start) & (times <= end) for start, end in one.evidence]
            if inside:
                shares[row] = np.any(inside, axis=0).mean(axis=-1)
        return shares

    def coverage(self, asked: Sequence[Asked], chosen: NDArray[np.int64]) -> float:
        """Mean share of a question's evidence intervals that a chosen frame lies in; 0 where no question has evidence."""
        shares = []
        for one, row in zip(asked, chosen, strict=True):
            times = self._bank.times(one.video_id)[row]
            if one.evidence:
                shares.append(np.mean([((times >= start) & (times <= end)).any() for start, end in one.evidence]))
        return float(np.mean(shares)) if shares else 0.0

    def accuracy(self, asked: Sequence[Asked], sampler: UNetSampler, queries: Sequence[Sequence[str]] | None = None) -> float:
        """Share of greedy right answers from the K most probable frames; `queries` default to the MLLM's own greedy ones."""
        written = self.queries(asked) if queries is None else queries
        of_question = {one.question_id: own for one, own in zip(asked, written, strict=True)}

        def weigh(some: Sequence[Asked]) -> Tensor:
            given = self.scores(some, [of_question[one.question_id] for one in some])
            return sampler(given.similarity, given.query_mask, given.frame_mask)

        return self.accuracy_of(asked, weigh)

    def accuracy_of(self, asked: Sequence[Asked], weigh: Callable[[Sequence[Asked]], Tensor]) -> float:
        """Share of greedy right answers from the K frames that `weigh`, B questions → (B, T), makes most probable."""
        right = 0
        for start in range(0, len(asked), QUESTIONS_AT_ONCE):
            some = asked[start : start + QUESTIONS_AT_ONCE]
            with torch.no_grad():
                chosen = top_frames(weigh(some), self.settings.frames)
            right += int(self.right(some, chosen[:, None]).sum())
        return right / len(asked)

    def queries(self, asked: Sequence[Asked]) -> list[list[str]]:
        """The MLLM's greedy queries, the bare question where they do not parse."""
        texts: list[str] = []
        for start in range(0, len(asked), QUESTIONS_AT_ONCE):
            some = asked[start : start + QUESTIONS_AT_ONCE]
            texts += self.reasoner.write_queries([one.question for one in some], self.previews(some)).texts
        return [scoring_queries(text, one.question) for text, one in zip(texts, asked, strict=True)]


def spread(asked: Sequence[Asked], count: int) -> list[Asked]:
    """At most `count` of the questions, evenly spread over their order: what training watches on the validation split."""
    return [asked[index] for index in anchors(len(asked), count)] if len(asked) > count else list(asked)


def step_generator(seed: int, step: int, stage: str, device: torch.device) -> torch.Generator:
    """The generator of one step's draws: the same after any number of resumes."""
    mixed = np.random.default_rng([seed, step, zlib.crc32(stage.encode())]).integers(2**63 - 1)
    return torch.Generator(device=device).manual_seed(int(mixed))
