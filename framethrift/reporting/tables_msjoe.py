"""MSJoE's tables: frame selectors at the same number of frames (Table 1), and what joint training adds (Tables 2 and 3)."""

from framethrift.config.rows import BASELINE, Row, selection
from framethrift.config.sampling import Select
from framethrift.config.tables import table_rows
from framethrift.reporting.entries import accuracy_entry, against, best
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Table, number, words
from framethrift.reporting.tables_cope import benchmarks_of

CEILING = "oracle"


def selectors(sources: Sources) -> Table:
    """MSJoE's Table 1 layout: accuracy per selector and benchmark, and the difference to uniform frames before any RL."""
    caption = (
        "The layout of MSJoE's Table 1. Differences in points to uniform frames shown to the MLLM before any RL, paired on the "
        "same questions. The oracle knows where the evidence is: a ceiling, not a rival. Bold: above every other row but the "
        "oracle by a paired test. Evidence shown: share of the intervals with the evidence in which a shown frame lies."
    )
    return _table(sources, "msjoe_table_1", "Frame selectors", caption)


def joint_training(sources: Sources) -> Table:
    """MSJoE's Tables 2 and 3 layout: what is trained, and how."""
    caption = (
        "The layout of MSJoE's Tables 2 and 3: what is trained, with equal steps, and what the objective is. Differences in "
        "points to uniform frames shown to the MLLM before any RL, paired on the same questions."
    )
    return _table(sources, "msjoe_table_2", "What is trained, and how", caption)


def _table(sources: Sources, name: str, title: str, caption: str) -> Table:
    study, results = sources.study, sources.results
    rows = table_rows(study, name)
    columns = [
        Column("model", "Model", numeric=False),
        Column("selector", "Frame selector", numeric=False),
        Column("frames", "Frames"),
    ]
    table = Table(name, title, caption, columns)
    for row in rows:
        chosen = selection(study, row)
        label = row_label(study, row)
        table.rows.append(
            {
                "model": words(variant_label(study, row[0])),
                "selector": words(label, note=row[1]),
                "frames": number(chosen.frames, 0),
            }
        )
    for benchmark in benchmarks_of(results, rows):
        head = sources.title(benchmark)
        cells = [results.cell(*row, benchmark) for row in rows]
        printed = [sources.paper_value(*row, benchmark) for row in rows]
        top = best([cell for cell, row in zip(cells, rows, strict=True) if selection(study, row).selector != CEILING])
        shares = [None if cell is None or cell.missing else sources.evidence_shown(cell) for cell in cells]
        columns.append(Column(f"{benchmark}_accuracy", "Accuracy (%)", head))
        columns += [Column(f"{benchmark}_paper", "paper's", head)] if any(v is not None for v in printed) else []
        columns.append(Column(f"{benchmark}_difference", "vs uniform", head))
        columns += [Column(f"{benchmark}_evidence", "Evidence shown (%)", head)] if any(s is not None for s in shares) else []
        for entry, row, cell, value, share in zip(table.rows, rows, cells, printed, shares, strict=True):
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell, mark="best" if cell is not None and cell is top else "")
            entry[f"{benchmark}_difference"] = against(cell, uniform_baseline(sources, row, benchmark))
            if value is not None:
                entry[f"{benchmark}_paper"] = number(value)
            if cell is not None and share is not None:
                entry[f"{benchmark}_evidence"] = number(100 * share, files=tuple(cell.files.values()))
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
