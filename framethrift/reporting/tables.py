"""Every table of the report, by the name of its target in the DAG."""

from collections.abc import Callable
from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.progress import Progress
from framethrift.reporting import tables_audit, tables_cope, tables_costs, tables_msjoe, tables_reducers, tables_scoring
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.render_table import write_table
from framethrift.reporting.sources import Sources, read_sources
from framethrift.reporting.table import Table
from framethrift.reporting.tables_printed import printed_table

Builder = Callable[[Sources], Table]
PAPER_TABLES: dict[str, Builder] = {
    "table_1": tables_cope.token_efficiency,
    "table_2": tables_cope.printed_rows("table_2", "General video understanding"),
    "table_3a": tables_cope.printed_rows("table_3a", "Temporal reasoning and motion understanding"),
    "table_3b": tables_cope.printed_rows("table_3b", "Long-form and instruction following"),
    "table_e1": tables_cope.printed_rows("table_e1", "Effect of training data scale"),
    "table_f1": tables_cope.printed_rows("table_f1", "3D question answering"),
    "table_g1": tables_reducers.token_reducers,
    "table_h1": tables_cope.token_counts,
    "table_h2": tables_cope.without_pretraining,
    "table_h3": tables_cope.altered_delta,
    "table_h4": tables_cope.key_frames_only,
    "table_h5": tables_cope.printed_rows("table_h5", "Higher frame rates"),
    "table_h6": tables_costs.retrieval,
    "figure_4": tables_costs.latency,
    "msjoe_table_1": tables_msjoe.selectors,
    "msjoe_table_2": tables_msjoe.joint_training,
    "msjoe_table_4": tables_msjoe.step_times,
}
CONTROLS: dict[str, Builder] = {
    "blind_control": tables_audit.blind_control,
    "scoring": tables_scoring.scoring,
    "metrics": tables_scoring.other_metrics,
    "question_needs": tables_scoring.question_needs,
    "detectable": tables_scoring.detectable,
    "quarantine": tables_audit.quarantine,
}


def study_tables(sources: Sources) -> list[Table]:
    """Every table that the study has rows for; missing results leave rows that say so."""
    tables = [_built(build, sources) for build in (PAPER_TABLES | CONTROLS).values()]
    groups = [
        tables_audit.question_groups(sources, benchmark, by)
        for benchmark in sources.results.benchmarks
        for by in ("part", "type")
    ]
    return [table for table in [*tables, *groups] if table.rows]


def _built(build: Builder, sources: Sources) -> Table:
    """A table whose differences are corrected for one another."""
    table = build(sources)
    table.correct()
    return table


def write_paper_table(study: Study, layout: Layout, name: str, report_dir: Path, progress: Progress) -> None:
    """Write one of the papers' tables alone, and the table as printed beside our numbers, to <report_dir>/tables."""
    sources = read_sources(study, layout, progress)
    folder = ReportFolder(report_dir)
    write_table(_built(PAPER_TABLES[name], sources), folder)
    for ledger in sources.ledgers:
        for printed in ledger.tables:
            if printed.name == name:
                write_table(printed_table(sources, printed), folder)
