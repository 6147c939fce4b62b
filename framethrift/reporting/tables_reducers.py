"""CoPE's Table G.1, for every token reducer of a study: what each keeps, what that costs, and how right it is."""

from framethrift.config.rows import Row, keeps_all, reduction
from framethrift.config.tables import table_rows
from framethrift.reporting.entries import questions_page
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, missing, number, words
from framethrift.reporting.tables_accuracy import add_accuracies, densest
from framethrift.reporting.tables_costs import FORMULA_COSTS

NAME = "table_g1"


def token_reducers(sources: Sources) -> Table:
    """Table G.1's layout, with the costs that the paper leaves out, and differences to the same model with all its tokens."""
    columns = [
        Column("method", "Method", numeric=False),
        Column("model", "Model", numeric=False),
        Column("budget", "Budget (%)"),
        Column("kept", "Kept (%)"),
        Column("tokens", "Visual tokens"),
        Column("tokens_share", "Tokens (%)"),
    ]
    columns += [Column(name, head, "per question, by formula") for name, (head, _, _) in FORMULA_COSTS.items()]
    printed = [table.note for ledger in sources.ledgers for table in ledger.tables if table.name == NAME and table.note]
    table = Table(
        NAME,
        "Token reducers on equal terms",
        "The layout of CoPE-VideoLM's Table G.1: one model, the same frames, prompts and questions, every method driven to the "
        "same budgets. Kept: measured, of the frames' tokens; for methods on the language model's layers, where they keep "
        "fewest. Visual tokens: what the language model is given, newlines included, and their share of the densest row. "
        "Differences in points to the same model with all tokens, paired on the same questions. Models trained on Δ-tokens "
        "stand beside the reducers, at what their token streams cost. "
        + (f"The paper's printed rows stand apart: {'; '.join(printed)}." if printed else ""),
        columns,
    )
    rows = table_rows(sources.study, NAME)
    cells = {row: _asked(sources, row) for row in rows}
    full = densest(list(cells.values()))
    table.rows = [_names(sources, row) | _costs(sources, row, cells[row], full) for row in rows]

    def whole(row: Row, benchmark: str) -> Cell | None:
        return next((sources.results.cell(*other, benchmark) for other in rows if keeps_all(sources.study, other, row)), None)

    add_accuracies(sources, table, rows, baseline=whole)
    for row, entry in zip(rows, table.rows, strict=True):
        if reduction(sources.study, row) is None:  # nothing to be compared with
            for name in [name for name in entry if name.endswith("_difference")]:
                entry[name] = Entry("")
    return table


def _names(sources: Sources, row: Row) -> dict[str, Entry]:
    study, found = sources.study, reduction(sources.study, row)
    label = row_label(study, row)
    method = words(found.name, note=label) if found else words(f"all tokens: {label}")
    return {
        "method": method,
        "model": words(variant_label(study, row[0])),
        "budget": number(100 * found.share, 0) if found else Entry(""),
    }


def _asked(sources: Sources, row: Row) -> Cell | None:
    """The row's cell on the first benchmark that was run; token streams and costs differ little between benchmarks."""
    cells = [sources.results.cell(*row, benchmark) for benchmark in sources.results.benchmarks]
    return next((cell for cell in cells if cell is not None and not cell.missing), None)


def _costs(sources: Sources, row: Row, cell: Cell | None, full: float | None) -> dict[str, Entry]:
    """What a row keeps and costs."""
    if cell is None or full is None:
        return dict.fromkeys(("kept", "tokens", "tokens_share", *FORMULA_COSTS), missing(f"{' / '.join(row)}: not run"))
    files, costs = tuple(cell.files.values()), cell.costs
    absent = missing(f"{cell.key}: its files do not state costs")
    entry = {
        name: number(costs[figure] / unit, files=files) if figure in costs else absent
        for name, (_, figure, unit) in FORMULA_COSTS.items()
    }
    if reduction(sources.study, row):
        entry["kept"] = number(100 * costs["kept_share"], files=files) if "kept_share" in costs else absent
    entry["tokens"] = Entry(f"{cell.tokens:.0f}", cell.tokens, page=questions_page(cell), files=files)
    return entry | {"tokens_share": number(100 * cell.tokens / full, files=files)}
