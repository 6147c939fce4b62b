"""What each job of the DAG reads and writes, as the rules in workflow/rules declare it (a test compares the two).

The steps need to know it too: before they start they check what they read, and when they are done they prove what they wrote.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from framethrift.config.workflow import Workflow

WILDCARDS = ("dataset", "name", "variant", "sampling", "budget", "seed", "shard")


@dataclass(frozen=True)
class Job:
    """One job: its rule, its wildcards in the rule's order, and the declared files, relative to the working folder."""

    rule: str
    names: Mapping[str, Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def deciding(self) -> tuple[str, ...]:
        """The wildcards that its digest depends on."""
        return deciding(self.names)

    def __str__(self) -> str:
        return " ".join([self.rule, *(f"{name}={value}" for name, value in self.names.items())])


def deciding(names: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a job's wildcards those that its digest depends on: seeds and shards differ in nothing else."""
    return tuple(str(value) for name, value in names.items() if name not in ("seed", "shard"))


def job(flow: Workflow, rule: str, **names: Any) -> Job:
    """The job of `rule` for the given wildcards. Raises KeyError for a rule without an entry here."""
    reads, writes = _FILES[rule](flow, **names)
    return Job(rule, names, tuple(reads), tuple(writes))


Files = tuple[list[str], list[str]]


def _folder(path: object) -> str:
    return f"{path}/framethrift.json"


def _videos(flow: Workflow, dataset: str) -> Files:
    tables = ("videos", "questions", "captions", "quarantine")
    return [], [f"{flow.layout.videos(dataset)}/{table}.parquet" for table in tables]


def _codec(flow: Workflow, dataset: str) -> Files:
    folder = flow.layout.codec(dataset)
    return [f"{flow.layout.videos(dataset)}/videos.parquet"], [f"{folder}/videos.parquet", f"{folder}/quarantine.parquet"]


def _tower(stage: str) -> Callable[[Workflow], Files]:
    def files(flow: Workflow) -> Files:
        reads = [*flow.weights(), _folder(flow.layout.tokenizer), *flow.captions(stage)]
        return reads, [_folder(getattr(flow.layout, stage))]

    return files


def _delta(flow: Workflow, name: str, seed: int) -> Files:
    return [_folder(flow.layout.vision), *flow.pairs(name)], [_folder(flow.layout.delta(name, seed))]


def _retrieval(flow: Workflow, name: str, seed: int) -> Files:
    return [_folder(flow.layout.delta(name, seed)), *flow.pairs(name)], [str(flow.layout.retrieval(name, seed))]


def _videolm(flow: Workflow, variant: str, seed: int) -> Files:
    reads = [_folder(flow.layout.tokenizer), _folder(flow.layout.vision), *flow.fine_tuning(variant, seed)]
    return reads, [flow.model(variant, seed)]


def _pass_rates(flow: Workflow, variant: str, seed: int) -> Files:
    reads = [flow.model(variant, seed), _folder(flow.layout.clip), *flow.rated(variant)]
    return reads, [str(flow.layout.pass_rates(variant, seed))]


def _curate(flow: Workflow, variant: str, seed: int) -> Files:
    return [str(flow.layout.pass_rates(variant, seed)), *flow.long_sets(variant)], [str(flow.layout.curated(variant, seed))]


def _sampler(flow: Workflow, variant: str, seed: int) -> Files:
    mllm = flow.model(flow.study.mllm_of(variant), seed)
    rates = [flow.pass_rates(variant, seed), *flow.curated(variant, seed)]
    reads = [_folder(flow.layout.clip), *flow.reinforcing(variant), mllm, *rates]
    return reads, [flow.model(variant, seed)]


def _joint(flow: Workflow, variant: str, seed: int) -> Files:
    base = flow.study.variants[variant].sampler  # type: ignore[union-attr]
    models = [flow.model(flow.study.mllm_of(variant), seed), flow.model(base, seed)]
    reads = [_folder(flow.layout.clip), *flow.reinforcing(variant), *flow.curated(variant, seed), *models]
    return reads, [flow.model(variant, seed)]


def _answer(flow: Workflow, variant: str, sampling: str, seed: int, shard: int) -> Files:
    reads = [*flow.answering(variant, sampling, seed), *flow.asked(variant, sampling)]
    return reads, [flow.shard_files(variant, sampling, seed)[int(shard)]]


def _evaluate(flow: Workflow, variant: str, sampling: str) -> Files:
    return flow.evaluating(variant, sampling), flow.cells([(variant, sampling)])


def _arena(flow: Workflow, variant: str, budget: int) -> Files:
    return flow.competing(variant, budget), flow.cells((variant, sampling) for sampling in flow.entries(budget))


def _dialogue(flow: Workflow, variant: str, sampling: str, seed: int) -> Files:
    return flow.conversing(variant, sampling, seed), [str(flow.layout.dialogue(variant, sampling, seed))]


def _judge(flow: Workflow, variant: str, sampling: str, seed: int) -> Files:
    return [f"{flow.layout.cell(variant, sampling, seed)}/cells.json"], [str(flow.layout.judged(variant, sampling, seed))]


def _report(flow: Workflow) -> Files:
    reads = [*flow.cells(), *flow.judged(), *flow.labels(), *flow.latencies(), *flow.dialogues()]
    reads += [*flow.retrievals(), *flow.curations()]
    figures = ("pareto_tokens", "pareto_ttft", "pareto_seconds", "video_length", "selector_timeline", "training_curves")
    names = ["index.html", "tables/claims.html", *(f"figures/{name}.svg" for name in (*figures, "reward_curves", "codec_speed"))]
    return reads, [f"{flow.layout.report}/{name}" for name in [*names, "figures/filmstrip.png"]]


_FILES: dict[str, Callable[..., Files]] = {
    "videos": _videos,
    "codec": _codec,
    "weights": lambda flow: ([], [str(flow.layout.weights)]),
    "tokenizer": lambda flow: ([*flow.weights(), *flow.texts()], [_folder(flow.layout.tokenizer)]),
    "vision": _tower("vision"),
    "clip": _tower("clip"),
    "delta": _delta,
    "retrieval": _retrieval,
    "videolm": _videolm,
    "pass_rates": _pass_rates,
    "curate": _curate,
    "sampler": _sampler,
    "joint": _joint,
    "answer": _answer,
    "evaluate": _evaluate,
    "arena": _arena,
    "latency": lambda flow, variant, seed: (flow.timed(variant, seed), [str(flow.layout.latency(variant, seed))]),
    "dialogue": _dialogue,
    "judge": _judge,
    "labels": lambda flow, variant: (flow.controls(variant), [str(flow.layout.labels(variant))]),
    "report": _report,
    "table": lambda flow, name: (
        flow.table(name),
        [f"{flow.layout.report}/tables/{name}.{kind}" for kind in ("csv", "html", "tex")],
    ),
    "bundle": lambda flow: ([f"{flow.layout.report}/index.html"], [str(flow.layout.bundle)]),
}
