"""The papers' tables as targets of the DAG: which rows of a study each of them needs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from framethrift.config import rows
from framethrift.config.ledgers import load_ledgers
from framethrift.config.rows import Row
from framethrift.config.study import Study


@dataclass(frozen=True)
class TableTarget:
    """One table: what it is made of, and how a study's rows for it are found beside those the paper prints."""

    made_of: Literal["cells", "retrieval", "latency"]
    rows: Callable[[Study], list[Row]] = lambda study: []


TARGETS = {
    "table_1": TableTarget("cells", rows.token_efficiency),
    "table_2": TableTarget("cells"),
    "table_3a": TableTarget("cells"),
    "table_3b": TableTarget("cells"),
    "table_e1": TableTarget("cells"),
    "table_f1": TableTarget("cells"),
    "table_g1": TableTarget("cells", rows.token_reducers),
    "table_h1": TableTarget("cells", rows.token_counts),
    "table_h2": TableTarget("cells", rows.without_pretraining),
    "table_h3": TableTarget("cells", rows.altered_delta),
    "table_h4": TableTarget("cells", rows.key_frames_only),
    "table_h5": TableTarget("cells", rows.frame_rates),
    "table_h6": TableTarget("retrieval"),
    "figure_4": TableTarget("latency"),
    "msjoe_table_1": TableTarget("cells", rows.frame_selectors),
    "msjoe_table_2": TableTarget("cells", rows.joint_training),
    "msjoe_table_4": TableTarget("cells", rows.scored_selectors),
}


def table_rows(study: Study, name: str) -> list[Row]:
    """Rows of the study that the table shows: those of its kind, and those that the paper prints and the study evaluates."""
    asked = study.evaluations()
    return [row for row in dict.fromkeys([*TARGETS[name].rows(study), *_printed_rows().get(name, [])]) if row in asked]


@cache
def _printed_rows() -> dict[str, list[Row]]:
    """Table → the rows that the papers print, read once: the ledgers are long."""
    printed: dict[str, list[Row]] = {}
    for ledger in load_ledgers():
        for table in ledger.tables:
            printed.setdefault(table.name, []).extend(
                (row.variant, row.sampling) for row in table.rows if row.variant and row.sampling
            )
    return printed
