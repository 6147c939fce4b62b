"""Example conversations (CoPE Fig. 6-8): several questions about one video, and what every turn costs.

The video is shown once, in the first turn; a later turn reads its own question only, which its time to first token shows. Each
conversation is held once: its figures are examples, those of `framethrift.latency.measure` are medians.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.cells import Dialogues
from framethrift.evaluation.answering import Answerer
from framethrift.evaluation.cells import PROACTIVE
from framethrift.evaluation.dialogue import Dialogue
from framethrift.evaluation.lmms_tasks import cut, offline, open_tasks, prompts, write_tasks
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.posing import Posed, posed, span_of
from framethrift.evaluation.questions import Asked, NoQuestions, Question, load_asked
from framethrift.evaluation.recorded import Item, RecordedTurn, RecordedVideo, Recording
from framethrift.evaluation.scoring import scored
from framethrift.files import write_json
from framethrift.latency.machine import machine_facts
from framethrift.progress import Progress


def record_dialogues(study: Study, layout: Layout, variant: str, sampling: str, seed: int) -> None:
    """Hold the study's conversations with a variant under a sampling and write layout.dialogue(variant, sampling, seed).

    Raises KeyError when the study holds none with them, NoQuestions when no video has enough questions, ContextOverflow when a
    conversation grows longer than the model's context, and whatever keeps a video from being shown.
    """
    entry = study.dialogue_of(variant, sampling)
    asked = load_asked(study, layout, entry.benchmark)
    chosen = conversations(asked, entry)
    talks = _posed(study, entry, asked, chosen)
    loaded = load_variant(study, layout, variant, seed)
    answerer = loaded.answerer(study.samplings[sampling], None, sampling)
    digests = {**loaded.digests, **asked.digests}
    params = {"dialogues": entry.model_dump(mode="json"), "digests": digests}
    name = f"{variant}/{sampling}"
    with (
        tracking.stage_run(layout, study, stage="dialogue", name=name, seed=seed, params=params) as run,
        Progress(f"dialogue {name} seed{seed}", len(chosen), "videos") as progress,
    ):
        if len(chosen) < entry.videos:
            progress.say(f"{len(chosen)} of {entry.videos} videos: no other one has {entry.turns} questions")
        _held(answerer, talks[0][:1], entry.benchmark)  # warms up and is not counted
        videos = []
        for talk in talks:
            videos.append(_held(answerer, talk, entry.benchmark))
            progress.advance()
        facts = {"variant": variant, "sampling": sampling, "seed": seed, "benchmark": entry.benchmark}
        machine = machine_facts(loaded.model.device)
        recording = Recording(**facts, digests=digests, machine=machine, videos=videos)
        write_json(layout.dialogue(variant, sampling, seed), recording.model_dump(mode="json"))
        run.log_artifact(layout.dialogue(variant, sampling, seed))


def conversations(asked: Asked, wanted: Dialogues) -> list[list[Question]]:
    """The first `wanted.turns` questions of each of the first videos by id that have so many about the same part of the video.

    Questions that are polled until the model speaks up are no turns. Raises NoQuestions when no video has enough.
    """
    groups: dict[tuple[str, tuple[float, float]], list[Question]] = {}
    for question in asked.present:
        if question.part != PROACTIVE:
            groups.setdefault((question.video_id, span_of(question)), []).append(question)
    found: dict[str, list[Question]] = {}
    for (video, _), questions in sorted(groups.items()):
        if len(questions) >= wanted.turns:
            found.setdefault(video, questions[: wanted.turns])
    if not found:
        most = max(map(len, groups.values()), default=0)
        raise NoQuestions(
            f"dialogues: no video of {wanted.benchmark!r} has {wanted.turns} questions (turns); the most are {most}: lower turns"
        )
    return list(found.values())[: wanted.videos]


def _posed(study: Study, wanted: Dialogues, asked: Asked, chosen: Sequence[list[Question]]) -> list[list[Posed]]:
    """The conversations' questions as their tasks word them."""
    own = replace(asked, questions=tuple(question for questions in chosen for question in questions))
    with tempfile.TemporaryDirectory(prefix="framethrift-") as scratch, offline(Path(scratch)):
        folder = Path(scratch) / "tasks"
        documents = write_tasks(folder, wanted.benchmark, own.questions, own.videos)
        tasks = open_tasks(folder, sorted({document.task for document in documents}))
        found = posed(wanted.benchmark, own, study.samplings[wanted.sampling], prompts(tasks, documents))
    by_id = {one.question.question_id: one for one in found}
    return [[by_id[question.question_id] for question in questions] for questions in chosen]


def _held(answerer: Answerer, talk: Sequence[Posed], benchmark: str) -> RecordedVideo:
    """One conversation, its questions in order."""
    watch, registered = answerer.watch, load_benchmarks()[benchmark]
    began = watch.now()
    (view,) = answerer.viewer([talk[0].ask])
    dialogue = Dialogue(answerer.model, answerer.processor, view.shown, watch)
    turns = []
    for one in talk:
        turn = dialogue.ask(one.ask.question, one.length)
        ended, question = watch.now(), one.question
        raw = cut(answerer.processor.tokenizer.decode(turn.ids), one.stops)
        known = {"options": question.options, "letter": question.letter, "answers": question.answers, "answer": question.answer}
        told = scored(registered, known, raw)
        turns.append(
            RecordedTurn(
                question_id=question.question_id,
                question=question.question,
                options=list(question.options),
                answer=question.answer,
                raw=raw,
                parsed=told["parsed"],
                score=told["score"],
                read_tokens=turn.read,
                ttft_s=round(turn.first - began, 6),
                seconds=round(ended - began, 6),
            )
        )
        began = ended
    shown = [Item(time=round(item.time, 6), kind=item.kind) for item in view.shown.items]
    return RecordedVideo(video_id=talk[0].question.video_id, shown=shown, visual_tokens=view.shown.visual_tokens, turns=turns)
