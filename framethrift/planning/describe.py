"""A plan as text for a terminal."""

from collections.abc import Iterable

import pandas as pd

from framethrift.planning.assumptions import Assumptions, papers
from framethrift.planning.estimate import Plan
from framethrift.planning.survival import Survival
from framethrift.progress import duration

GIB = 2**30


def describe(plan: Plan) -> str:
    """Parameters, memory, FLOPs and GPU-hours, with what was assumed."""
    parts = [
        _section("Parameters", _parameters(plan.parameters)),
        _section("Memory in training (GiB)", _memory(plan)),
        "State: weights, gradients and AdamW moments in 32 bits; per GPU: sharded over all of them. Activations of one sample,\n"
        "in bf16 autocast where the stage trains so; light: with gradient checkpointing.",
        _section("Work", _work(plan)),
        _section("GPU-hours", _hours(plan)),
        _section("Assumed", _assumed(plan.given)),
    ]
    if plan.notes:
        parts.append(_section("Notes", "\n".join(f"- {note}" for note in plan.notes)))
    return "\n\n".join(parts)


def describe_survival(survival: Survival, given: Assumptions) -> str:
    """Wall time, lost work, restarts and utilisation of the simulated runs."""
    calm = survival.undisturbed
    hours, share = (lambda seconds: f"{seconds / 3600:,.1f}"), (lambda value: f"{100 * value:.1f} %")
    rows = [
        _spread(survival, "wall", "wall time, hours", hours, calm.wall),
        _spread(survival, "lost", "lost work, GPU-hours", hours, calm.lost),
        _spread(survival, "restarting", "restarting, GPU-hours", hours, calm.restarting),
        _spread(survival, "hits", "jobs cut off", lambda value: f"{value:.1f}", calm.hits),
        _spread(survival, "most_restarts", "restarts of the unluckiest job", lambda value: f"{value:.1f}", calm.most_restarts),
        _spread(survival, "utilisation", "GPU time that is work", share, calm.utilisation),
    ]
    table = _table(rows, ["", "undisturbed", "mean", "middle 95 % of the runs"])
    title = (
        f"{given.nodes} nodes with {given.gpus_per_node} {given.gpu}, {survival.rate:g} preemptions per node and hour, "
        f"{len(survival.runs)} simulated runs"
    )
    parts = [_section(title, table)]
    if survival.intervals:
        lines = [
            (stage, duration(interval), "" if best is None else duration(best))
            for stage, (interval, best) in survival.intervals.items()
        ]
        parts.append(_section("Checkpoints", _table(lines, ["stage", "every", "best (Young, Daly)"])))
    return "\n\n".join(parts)


def _parameters(counts: dict[str, int]) -> str:
    return _table([(name, f"{count:,}") for name, count in counts.items()], ["module", "parameters"])


def _memory(plan: Plan) -> str:
    rows = []
    for stage in plan.stages:
        if (memory := stage.memory) is not None:
            state, share = memory.state / GIB, memory.state / plan.given.gpus / GIB
            light = memory.activations_checkpointed / GIB
            free = plan.given.board.memory - share
            fits = f"{int(free / light):,}" if light else ""
            sizes = (f"{memory.parameters / GIB:.1f}", f"{memory.gradients / GIB:.1f}", f"{memory.optimiser / GIB:.1f}")
            rest = (f"{state:.1f}", f"{share:.2f}", f"{memory.activations / GIB:.2f}", f"{light:.2f}", fits)
            rows.append((stage.label, *sizes, *rest))
    headings = ["stage", "weights", "gradients", "optimiser", "state", "per GPU", "activations", "light", "samples that fit"]
    return _table(rows, headings)


def _work(plan: Plan) -> str:
    rows = []
    for stage, count in zip(plan.stages, plan.counts, strict=True):
        if stage.flops:
            step = f"{stage.step_flops / 1e12:,.3g}" if stage.step_flops else ""
            steps = f"{stage.steps:,}" if stage.steps else ""
            rows.append((stage.label, count, steps, f"{stage.samples:,}", step, f"{stage.flops:.2e}"))
    return _table(rows, ["stage", "jobs", "steps", "samples", "TFLOPs per step", "FLOPs per job"])


def _hours(plan: Plan) -> str:
    stated, rows = papers() if plan.study == "paper" else {}, []
    for rule in dict.fromkeys(stage.rule for stage in plan.stages if stage.gpu_seconds):
        hours = plan.gpu_hours(rule)
        known = stated.get(rule)
        own = next((stage for stage in plan.stages if known and (stage.rule, stage.name) == (rule, known.job)), None)
        if known and own:
            share = own.flops / (known.gpu_hours * 3600 * plan.given.board.tflops * 1e12)
            beside = f"{known.gpu_hours:,.0f}", f"{known.source}; our FLOPs in them: {100 * share:.1f} % of the peak"
            rows.append((own.label, f"{own.gpu_seconds / 3600:,.1f}", *beside))
            rule, hours = f"{rule}, all others", hours - own.gpu_seconds / 3600
        rows.append((rule, f"{hours:,.1f}", "", ""))
    rows.append(("total", f"{plan.gpu_hours():,.1f}", "", ""))
    return _table(rows, ["rule", "estimate", "paper", "source"])


def _assumed(given: Assumptions) -> str:
    fields = Assumptions.model_fields
    return _table(
        [(name, value, fields[name].description or "") for name, value in given], ["option", "value", "meaning and source"]
    )


def _spread(survival: Survival, name: str, label: str, shown, calm: float) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    mean, low, high = survival.spread(name)
    return label, shown(calm), shown(mean), f"{shown(low)} to {shown(high)}"


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{body}"


def _table(rows: Iterable[tuple[object, ...]], headings: list[str]) -> str:
    frame = pd.DataFrame(list(rows), columns=headings, dtype=str)
    words = {0, len(headings) - 1} if headings[-1] in ("source", "meaning and source") else {0}
    columns = []
    for place, heading in enumerate(headings):
        cells = [heading, *frame[heading]]
        width = max(map(len, cells))
        columns.append([cell.ljust(width) if place in words else cell.rjust(width) for cell in cells])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))
