"""MSJoE's table in miniature: frame selectors at the same number of frames (Table 1, Table 2)."""

from framethrift.config import Study
from framethrift.config.sampling import Select
from framethrift.reporting.entries import accuracy_entry, against, best
from framethrift.reporting.labels import sampling_label, slots_of, variant_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Table, number, words
from framethrift.reporting.tables_cope import BASELINE, Row, benchmarks_of

CEILING = "oracle"


def select_rows(study: Study) -> list[Row]:
    """(variant, sampling) that show selected frames: by number of frames, then in the study's order."""
    rows = [row for row in study.evaluations() if isinstance(study.samplings[row[1]], Select)]
    return sorted(rows, key=lambda row: _select(study, row).frames)


def selectors(sources: Sources) -> Table:
    """MSJoE's Table 1 layout: accuracy per selector and benchmark, and the difference to uniform frames before any RL."""
    study, results = sources.study, sources.results
    rows = select_rows(study)
    columns = [
        Column("model", "Model", numeric=False),
        Column("selector", "Frame selector", numeric=False),
        Column("frames", "Frames"),
    ]
    table = Table(
        "selectors",
        "Frame selectors",
        "The layout of MSJoE's Table 1. Differences in points to uniform frames shown to the MLLM before any RL, paired on the "
        "same questions. The oracle knows where the evidence is: a ceiling, not a rival. Bold: above every other row but the "
        "oracle by a paired test. Evidence shown: share of the intervals with the evidence in which a shown frame lies.",
        columns,
    )
    for row in rows:
        chosen = _select(study, row)
        label = sampling_label(chosen, slots_of(study, row[0]))
        table.rows.append(
            {
                "model": words(variant_label(study, row[0])),
                "selector": words(label, note=row[1]),
                "frames": number(chosen.frames, 0),
            }
        )
    for benchmark in benchmarks_of(results, rows):
        columns += [
            Column(f"{benchmark}_accuracy", "Accuracy (%)", sources.title(benchmark)),
            Column(f"{benchmark}_difference", "vs uniform", sources.title(benchmark)),
        ]
        cells = [results.cell(*row, benchmark) for row in rows]
        rivals = [cell for cell, row in zip(cells, rows, strict=True) if _select(study, row).selector != CEILING]
        top = best(rivals)
        shares = [None if cell is None or cell.missing else sources.evidence_shown(cell) for cell in cells]
        if any(share is not None for share in shares):
            columns.append(Column(f"{benchmark}_evidence", "Evidence shown (%)", sources.title(benchmark)))
            for entry, cell, share in zip(table.rows, cells, shares, strict=True):
                if cell is not None and share is not None:
                    entry[f"{benchmark}_evidence"] = number(100 * share, files=tuple(cell.files.values()))
        for entry, row, cell in zip(table.rows, rows, cells, strict=True):
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell, mark="best" if cell is not None and cell is top else "")
            entry[f"{benchmark}_difference"] = against(cell, uniform_baseline(sources, row, benchmark))
    return table


def uniform_baseline(sources: Sources, row: Row, benchmark: str) -> Cell | None:
    """Uniform frames, as many, shown to the MLLM that the row's variant started from."""
    study = sources.study
    chosen = _select(study, row)
    for (variant, name), benchmarks in study.evaluations().items():
        sampling = study.samplings[name]
        uniform = isinstance(sampling, Select) and sampling.selector == BASELINE and sampling.frames == chosen.frames
        if uniform and variant == study.mllm_of(row[0]) and benchmark in benchmarks:
            return sources.results.cell(variant, name, benchmark)
    return None


def _select(study: Study, row: Row) -> Select:
    sampling = study.samplings[row[1]]
    assert isinstance(sampling, Select)
    return sampling
