"""Answering one shard of a cell's questions: what a kill left is kept, the rest is answered block by block."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.config.sampling import Blind, Chance
from framethrift.evaluation.answering import Answer, Answering
from framethrift.evaluation.blocks import blocks, dealt
from framethrift.evaluation.journal import Journal, Record, read_journal
from framethrift.evaluation.keys import Keys
from framethrift.evaluation.lmms_tasks import cut
from framethrift.evaluation.loading import Opened
from framethrift.evaluation.posing import Posed, keyed
from framethrift.files import write_json
from framethrift.progress import Progress

Answers = dict[tuple[str, str], Answer]  # by benchmark and question id


class ShardsMissing(ValueError):
    """A cell cannot be scored before all its shards are answered."""


@dataclass(frozen=True)
class Cell:
    """Which cell: a variant under a sampling with a seed, its questions dealt out to `shards` jobs."""

    study: Study
    layout: Layout
    variant: str
    sampling: str
    seed: int
    shards: int = 1

    @property
    def folder(self) -> Path:
        """Where its results lie."""
        return self.layout.cell(self.variant, self.sampling, self.seed)

    def journal(self, shard: int) -> Path:
        """A shard's answers."""
        return self.layout.answers(self.variant, self.sampling, self.seed) / f"{shard}-of-{self.shards}.jsonl"

    def __str__(self) -> str:
        return f"{self.variant}/{self.sampling} seed{self.seed}"


def answer_shard(cell: Cell, shard: int, questions: Sequence[Posed], opened: Opened) -> None:
    """Have the shard's part of the cell's `questions` answered by what is `opened` into its journal, and write its .json last.

    Answers found in any journal of the cell are used again if their keys still hold, whole blocks of them: an answer
    depends in its last bits on the batch it was computed in, and a batch never crosses blocks.
    """
    answering, digests = opened
    settings = cell.study.samplings[cell.sampling]
    shared = {
        "sampling": settings.model_dump(mode="json"),
        "key_frames": cell.study.training_of(cell.variant).key_frames.model_dump(mode="json"),
        "set_likelihood": cell.study.training_of(cell.variant).set_likelihood.model_dump(mode="json"),
        "seed": cell.seed,
    }
    reads_videos = not isinstance(settings, Blind | Chance)
    keys = Keys(shared, digests, reads_videos=reads_videos, seen=cell.layout.streams)
    mine = dealt(blocks([own.ask for own in questions], answering.cost), cell.shards)[shard]
    numbers = [number for block in mine for number in block]
    wanted = dict(zip(numbers, keyed([questions[number] for number in numbers], keys), strict=True))
    keys.remember()
    with Progress(f"answer {cell} shard {shard} of {cell.shards}", len(wanted), "questions") as progress:
        known = _known(cell, shard, progress)
        ready: dict[bool, list[list[int]]] = {True: [], False: []}
        for block in mine:
            ready[all(wanted[number] in known.records for number in block)].append(block)
        kept = [known.records[wanted[number]] for block in ready[True] for number in block]
        progress.start(len(kept))
        path = cell.journal(shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        with Journal(path, kept, known.seconds if kept else {}) as journal:
            _answer(answering, questions, ready[False], wanted, journal, progress)
    facts = {"questions": len(wanted), "digests": digests, "keys": sorted(wanted.values())}
    write_json(path.with_suffix(".json"), facts)


def collected(cell: Cell) -> tuple[Answers, dict[str, str], dict[str, float]]:
    """All answers of the cell's shards, the digests of the weights, and the seconds per stage, summed.

    Raises ShardsMissing for a shard that is not answered to its end, or that other weights answered.
    """
    answers: Answers = {}
    digests: dict[str, str] | None = None
    seconds: dict[str, float] = {}
    for shard in range(cell.shards):
        path = cell.journal(shard)
        facts = path.with_suffix(".json")
        if not facts.is_file():
            raise ShardsMissing(f"{facts} is missing: answer shard {shard} of {cell.shards} first")
        told, read = json.loads(facts.read_text(encoding="utf-8")), read_journal(path)
        if told["keys"] != sorted(read.records):
            raise ShardsMissing(f"{path} does not hold the answers that {facts.name} states: answer shard {shard} again")
        digests = told["digests"] if digests is None else digests
        if told["digests"] != digests:
            raise ShardsMissing(f"{facts}: answered by other weights than shard 0; answer the shards again")
        answers |= {(record.benchmark, record.question_id): record.answer for record in read.records.values()}
        for stage, value in read.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + value
    return answers, dict(digests or {}), seconds


@dataclass(frozen=True)
class _Known:
    records: dict[str, Record]
    seconds: dict[str, float]


def _known(cell: Cell, shard: int, progress: Progress) -> _Known:
    """All answers that journals of the cell hold, and the seconds per stage in the shard's own."""
    own = cell.journal(shard)
    records: dict[str, Record] = {}
    seconds: dict[str, float] = {}
    for path in sorted(own.parent.glob("*.jsonl")):
        read = read_journal(path)
        records |= read.records
        if path == own:
            seconds = read.seconds
        if read.torn:
            progress.say(f"{path.name}: the last line was cut off by a kill; its question is asked again")
    return _Known(records, seconds)


def _answer(
    answering: Answering,
    questions: Sequence[Posed],
    mine: Iterable[list[int]],
    wanted: dict[int, str],
    journal: Journal,
    progress: Progress,
) -> None:
    for block in mine:
        before = dict(answering.watch.seconds)
        given = [questions[number] for number in block]
        records = {}
        for place, answer in answering.answer([own.ask for own in given], [own.length for own in given]):
            own = given[place]
            ended = replace(answer, raw=cut(answer.raw, own.stops))
            records[place] = Record(own.benchmark, own.question.question_id, wanted[block[place]], ended)
        stages = {name: value - before.get(name, 0.0) for name, value in answering.watch.seconds.items()}
        journal.append([records[place] for place in range(len(block))], stages)
        progress.advance(len(block))
