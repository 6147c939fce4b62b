"""The papers' tables in their own layout, our number beside each printed one."""

from collections.abc import Mapping

from framethrift.config.printed import PrintedRow, PrintedTable
from framethrift.reporting.ledger import Verdict
from framethrift.reporting.results import CellKey
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, minus, missing, words
from framethrift.reporting.tables_audit import ours


def printed_table(sources: Sources, printed: PrintedTable) -> Table:
    """A table as printed. Ours stands beside a number where this study computed the same cell, and a reason where not."""
    columns = [Column("row", printed.title, numeric=False)]
    for column in printed.columns:
        head = " ".join(filter(None, [column.group, column.head]))
        columns += [
            Column(f"{column.name}_paper", "paper's", head),
            Column(f"{column.name}_ours", "ours", head),
            Column(f"{column.name}_difference", "ours − paper's", head),
        ]
    caption = "The paper's numbers are the paper's; ours stand beside them only where this study computed the same cell."
    table = Table(
        f"printed_{printed.name}",
        f"{printed.paper}, {printed.location}: {printed.title}",
        f"{caption} {printed.note[:1].upper()}{printed.note[1:]}.".strip() if printed.note else caption,
        columns,
    )
    verdicts = {verdict.claim.id: verdict for verdict in sources.verdicts}
    for number, row in enumerate(printed.rows, start=1):
        entry = {"row": words(row.label, note=row.group)}
        for column in printed.columns:
            verdict = verdicts.get(f"{printed.id}.{number}.{column.name}")
            entry |= _entries(sources, row, column.name, column.benchmark, verdict)
        table.rows.append(entry)
    return table


def _entries(sources: Sources, row: PrintedRow, name: str, benchmark: str | None, verdict: Verdict | None) -> Mapping[str, Entry]:
    if verdict is None or verdict.claim.value is None:
        return {}
    paper = Entry(f"{verdict.claim.value:g}", verdict.claim.value)
    if verdict.value is None:
        return {f"{name}_paper": paper, f"{name}_ours": missing(verdict.reason)}
    own = ours(verdict)
    cell = sources.results.cells.get(CellKey(row.variant or "", row.sampling or "", benchmark or ""))
    if cell is not None and not cell.missing:
        own = Entry(own.text, own.value, own.low, own.high, f"questions/{cell.key.slug}.html", own.files, digits=own.digits)
    difference = verdict.value - verdict.claim.value
    shown = Entry(minus(f"{difference:+.1f}"), difference, note="" if verdict.low is None else verdict.status)
    return {f"{name}_paper": paper, f"{name}_ours": own, f"{name}_difference": shown}
