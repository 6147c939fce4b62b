"""Judging the open answers of a cell: estimate, ask what was never asked, keep every reply, write the verdicts."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from framethrift.config import Layout, Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.judge import Endpoint
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.judging.cache import SHOWN, Replies, content_digest, opened
from framethrift.evaluation.judging.endpoint import Judge, JudgeDown, JudgeRefused
from framethrift.evaluation.judging.protocols import PROTOCOLS, Protocol
from framethrift.evaluation.rescoring import NotEvaluated
from framethrift.files import write_json
from framethrift.progress import Progress, say

ASKS = 3  # a malformed reply is asked for again, up to so many replies in all
REFUSED = "(refused by the judge's content filter)"
_CHARACTERS_PER_TOKEN = 4
_REPLY_TOKENS = 30


@dataclass(frozen=True)
class Pace:
    """How fast, and at which price (dollars per million tokens; None: unknown), a judge is asked."""

    per_minute: float = 300.0
    workers: int = 4
    price_in: float | None = None
    price_out: float | None = None
    retries: int = 6
    timeout: float = 60.0


@dataclass(frozen=True)
class _Case:
    """One answer to be judged."""

    benchmark: str
    question: str
    protocol: Protocol
    row: Mapping[str, Any]
    digest: str


def judge_cells(
    study: Study,
    layout: Layout,
    variant: str,
    sampling: str,
    seed: int,
    pace: Pace,
    *,
    estimate_only: bool = False,
    again: bool = False,
) -> None:
    """Write layout.judged(…): verdicts on every answer to a judged benchmark of the cell; `judge` is null without an endpoint.

    Replies are cached by content for all cells of the study, so a killed run goes on where it stopped, and equal answers are
    asked once; `again` asks anew where the judge failed. Raises NotEvaluated, JudgeSettingsError, or JudgeDown when the endpoint
    failed for good: nothing is written then.
    """
    endpoint = Endpoint.from_environment()
    registry = load_benchmarks()
    names = [name for name in study.evaluations()[variant, sampling] if registry[name].scoring == "judge"]
    target = layout.judged(variant, sampling, seed)
    if endpoint is None:
        say(f"judge {variant}/{sampling}: no endpoint in the environment; {len(names)} benchmark(s) stay not judged")
        if not estimate_only:
            write_json(target, {"judge": None, "benchmarks": {name: None for name in names}})
        return
    cases = [case for name in names for case in _cases(layout.cell(variant, sampling, seed), name, endpoint)]
    with opened(layout.judge_cache) as replies:
        open_cases = list({case.digest: case for case in cases if _is_open(case, replies, again)}.values())
        say(f"judge {variant}/{sampling}: {_estimate(cases, open_cases, pace)}")
        if estimate_only:
            return
        judge = Judge(endpoint, per_minute=pace.per_minute, timeout=pace.timeout, retries=pace.retries)
        with Progress(f"judge {variant}/{sampling} seed{seed}", len(open_cases), "answers") as progress:
            _ask_all(open_cases, judge, replies, pace.workers, progress)
        found = {name: _verdicts([case for case in cases if case.benchmark == name], replies) for name in names}
    write_json(target, {"judge": {"model": endpoint.model, "host": endpoint.host}, "benchmarks": found})


def _cases(folder: Path, benchmark: str, endpoint: Endpoint) -> list[_Case]:
    path = folder / f"{benchmark}.jsonl"
    if not path.is_file():
        raise NotEvaluated(f"{path} does not exist: evaluate the cell first")
    protocol = PROTOCOLS[str(load_benchmarks()[benchmark].judge_protocol)]
    said = [row for row in read_rows(path) if row["parsed"] is not None]
    digests = [content_digest(endpoint.model, protocol.messages(row), protocol.max_tokens) for row in said]
    return [_Case(benchmark, row["question_id"], protocol, row, digest) for row, digest in zip(said, digests, strict=True)]


def _is_open(case: _Case, replies: Replies, again: bool) -> bool:
    said = replies.get(case.digest)
    return said is None or (again and case.protocol.read(said[-1]) is None)


def _estimate(cases: Sequence[_Case], open_cases: Sequence[_Case], pace: Pace) -> str:
    characters = sum(len(message["content"]) for case in open_cases for message in case.protocol.messages(case.row))
    tokens_in, tokens_out = characters / _CHARACTERS_PER_TOKEN, float(_REPLY_TOKENS * len(open_cases))
    size = f"{len(cases)} answers, {len(open_cases)} to ask; about {tokens_in:,.0f} tokens in and {tokens_out:,.0f} out"
    if pace.price_in is None or pace.price_out is None:
        return f"{size}; price unknown (--price-in, --price-out)"
    return f"{size}; about ${(tokens_in * pace.price_in + tokens_out * pace.price_out) / 1e6:,.2f}"


def _ask_all(cases: Sequence[_Case], judge: Judge, replies: Replies, workers: int, progress: Progress) -> None:
    """Ask about every case; an endpoint that is down ends it, after the conversations that are under way."""
    stop = threading.Event()

    def work(case: _Case) -> None:
        if stop.is_set():
            raise JudgeDown("not asked")
        try:
            replies.keep(case.digest, _conversation(case, judge))
        except JudgeDown:
            stop.set()
            raise

    down: list[JudgeDown] = []
    with ThreadPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(work, case) for case in cases]):
            try:
                future.result()
            except JudgeDown as error:
                down.append(error)
            else:
                progress.advance()
    if down:
        kept = len(cases) - len(down)
        raise JudgeDown(f"{down[0]}; {kept} of {len(cases)} answers judged and kept: run again to go on")


def _conversation(case: _Case, judge: Judge) -> list[str]:
    """The replies of a conversation that ends with a well-formed one, or after ASKS."""
    messages, said = case.protocol.messages(case.row), []
    for _ in range(ASKS):
        try:
            said.append(judge.ask(messages, case.protocol.max_tokens))
        except JudgeRefused:
            return [*said, REFUSED]
        if case.protocol.read(said[-1]) is not None:
            break
        messages = case.protocol.again(messages, said[-1])
    return said


def _verdicts(cases: Sequence[_Case], replies: Replies) -> dict[str, dict[str, Any]]:
    """Verdict, or null for a judge that failed, and the content digest, by question id."""
    found = {}
    for case in cases:
        said = replies.get(case.digest)
        assert said is not None  # asked above, or _ask_all raised
        verdict = case.protocol.read(said[-1])
        found[case.question] = {"verdict": asdict(verdict) if verdict else None, "digest": case.digest[:SHOWN]}
    return dict(sorted(found.items()))
