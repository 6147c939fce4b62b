"""The papers' tables in their own layout, our number beside each printed one."""

from collections.abc import Mapping
from dataclasses import replace

from framethrift.config.printed import PrintedColumn, PrintedRow, PrintedTable
from framethrift.reporting.entries import questions_page
from framethrift.reporting.ledger import Verdict, scale_of
from framethrift.reporting.results import CellKey
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, minus, missing, words
from framethrift.reporting.tables_audit import ours


def printed_table(sources: Sources, printed: PrintedTable) -> Table:
    """A table as printed; ours and the difference stand beside a number wherever this study decided it, else the row says why."""
    verdicts = {verdict.claim.id: verdict for verdict in sources.verdicts}
    decided = {column.name: any(_found(verdicts, printed, n, column) for n in _numbers(printed)) for column in printed.columns}
    columns = [Column("row", "Row", numeric=False)]
    for column in printed.columns:
        if not decided[column.name]:
            columns.append(Column(f"{column.name}_paper", column.head, column.group))
            continue
        head = " ".join(filter(None, [column.group, column.head]))
        columns += [
            Column(f"{column.name}_paper", "paper's", head),
            Column(f"{column.name}_ours", "ours", head),
            Column(f"{column.name}_difference", "ours − paper's", head),
        ]
    columns.append(Column("state", "Ours", numeric=False))
    table = Table(
        f"printed_{printed.name}",
        f"{printed.paper}, {printed.location}: {printed.title}",
        f"As printed.{f' {printed.note[:1].upper()}{printed.note[1:]}.' if printed.note else ''}",
        columns,
    )
    for number, row in zip(_numbers(printed), printed.rows, strict=True):
        entry = {"row": words(row.label, note=row.group), "state": _state(sources, row)}
        for column in printed.columns:
            verdict = verdicts.get(f"{printed.id}.{number}.{column.name}")
            if verdict is None or verdict.claim.value is None:
                continue
            entry[f"{column.name}_paper"] = Entry(f"{verdict.claim.value:g}", verdict.claim.value)
            if decided[column.name]:
                entry |= _entries(sources, row, column, verdict)
        table.rows.append(entry)
    return table


def _numbers(printed: PrintedTable) -> range:
    return range(1, len(printed.rows) + 1)


def _found(verdicts: Mapping[str, Verdict], printed: PrintedTable, number: int, column: PrintedColumn) -> bool:
    verdict = verdicts.get(f"{printed.id}.{number}.{column.name}")
    return verdict is not None and verdict.value is not None


def _state(sources: Sources, row: PrintedRow) -> Entry:
    """Which row of ours stands behind the printed one, and whether this study has it."""
    if row.variant is None:
        return missing(row.quoted or "")
    name = " / ".join(filter(None, [row.variant, row.sampling or row.method]))
    if scale_of(sources.study) != "paper":
        return words(name, note="needs a full-scale study")
    cells = [cell for key, cell in sources.results.cells.items() if (key.variant, key.sampling) == (row.variant, row.sampling)]
    return words(name, note="" if any(not cell.missing for cell in cells) else "not run")


def _entries(sources: Sources, row: PrintedRow, column: PrintedColumn, verdict: Verdict) -> dict[str, Entry]:
    if verdict.value is None or verdict.claim.value is None:
        return {f"{column.name}_ours": missing(verdict.reason)}
    own = ours(verdict)
    cell = sources.results.cells.get(CellKey(row.variant or "", row.sampling or "", column.benchmark or ""))
    if cell is not None and not cell.missing:
        own = replace(own, page=questions_page(cell))
    difference = verdict.value - verdict.claim.value
    shown = Entry(minus(f"{difference:+.1f}"), difference, note="" if verdict.low is None else verdict.status)
    return {f"{column.name}_ours": own, f"{column.name}_difference": shown}
