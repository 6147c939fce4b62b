"""MSJoE's tables: frame selectors at the same number of frames (Table 1), and what joint training adds (Tables 2 and 3)."""

from framethrift.config.rows import BASELINE, Row, selection
from framethrift.config.sampling import Select
from framethrift.config.tables import table_rows
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, missing, number
from framethrift.reporting.tables_accuracy import add_accuracies, names

CEILING = "oracle"
STEPS = {"queries": "Queries", "similarity": "Similarity", "sampling": "Sampling", "answering": "Answering"}
_STEP_OF = {"reason": "queries", "clip": "similarity", "select": "sampling"}


def selectors(sources: Sources) -> Table:
    """MSJoE's Table 1 layout: accuracy per selector and benchmark, and the difference to uniform frames before any RL."""
    caption = (
        "The layout of MSJoE's Table 1. Differences in points to uniform frames shown to the MLLM before any RL, paired on the "
        "same questions. The oracle knows where the evidence is: a ceiling, not a rival, and not ranked. Evidence "
        "shown: share of the intervals with the evidence in which a key frame lies; Δ-tokens do not count."
    )
    return _table(sources, "msjoe_table_1", "Frame selectors", caption)


def joint_training(sources: Sources) -> Table:
    """MSJoE's Tables 2 and 3 layout: what is trained, and how."""
    caption = (
        "The layout of MSJoE's Tables 2 and 3: what is trained, with equal steps, and what the objective is. Differences in "
        "points to uniform frames shown to the MLLM before any RL, paired on the same questions."
    )
    return _table(sources, "msjoe_table_2", "What is trained, and how", caption)


def step_times(sources: Sources) -> Table:
    """MSJoE's Table 4 layout: seconds of the inference steps per question, as the cells recorded them."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("sampling", "Frame selector", numeric=False),
        *(Column(f"{name}_ms", head, "ms per question") for name, head in (*STEPS.items(), ("total", "Sum"))),
    ]
    table = Table(
        "msjoe_table_4",
        "Time of the inference steps",
        "The layout of MSJoE's Table 4, whose numbers are not known to us: milliseconds per question, the mean over all "
        "questions and seeds of a cell. Questions are answered in batches that share a video's work; embeddings of frames are "
        "kept from cell to cell, so that similarity costs their making only where a cell was the first. Answering is reading, "
        "the vision tower (previews too) and the language model.",
        columns,
    )
    table.rows = [names(sources, row) | _steps(sources, row) for row in table_rows(sources.study, table.name)]
    return table


def _steps(sources: Sources, row: Row) -> dict[str, Entry]:
    """Milliseconds per question by step; where no cell says, why."""
    runs = {seed: run for seed in sources.study.seeds if (run := sources.results.runs.get((row, seed)))}
    timed = [run for run in runs.values() if not run.untimed]
    if not timed:
        why = "; ".join(f"cells.json of seed {seed}: {run.untimed}" for seed, run in runs.items()) or "not run"
        return {f"{name}_ms": missing(f"{row[0]} / {row[1]}: no times ({why})") for name in (*STEPS, "total")}
    spent: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    for run in timed:
        for stage, seconds in run.seconds.items():
            spent[_STEP_OF.get(stage, "answering")] += seconds
    asked, files = sum(run.asked for run in timed), tuple(run.path for run in timed)
    per_question = {name: 1000 * value / asked for name, value in spent.items()}
    per_question["total"] = sum(per_question.values())
    return {f"{name}_ms": number(value, 2, files=files) for name, value in per_question.items()}


def _table(sources: Sources, name: str, title: str, caption: str) -> Table:
    study = sources.study
    rows = table_rows(study, name)
    columns = [Column("model", "Model", numeric=False), Column("sampling", "Frame selector", numeric=False)]
    table = Table(name, title, caption, [*columns, Column("frames", "Frames")])
    table.rows = [names(sources, row) | {"frames": number(selection(study, row).frames, 0)} for row in rows]
    add_accuracies(
        *(sources, table, rows),
        evidence=True,
        baseline=lambda row, benchmark: uniform_baseline(sources, row, benchmark),
        head="vs uniform",
        ranked=lambda row: selection(study, row).selector != CEILING,
    )
    return table


def uniform_baseline(sources: Sources, row: Row, benchmark: str) -> Cell | None:
    """Uniform frames, as many, shown to the MLLM that the row's variant started from."""
    study = sources.study
    chosen = selection(study, row)
    for (variant, name), benchmarks in study.evaluations().items():
        sampling = study.samplings[name]
        uniform = isinstance(sampling, Select) and (sampling.selector, sampling.frames, sampling.rest) == (
            BASELINE,
            chosen.frames,
            chosen.rest,
        )
        if uniform and variant == study.mllm_of(row[0]) and benchmark in benchmarks:
            return sources.results.cell(variant, name, benchmark)
    return None
