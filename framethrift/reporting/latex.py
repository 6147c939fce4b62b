"""The LaTeX report: report.tex reads the same tables and figures as the pages."""

from pathlib import Path

from framethrift.reporting.entries import accuracy_entry
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.ledger import count
from framethrift.reporting.overview import by_group, scale
from framethrift.reporting.pictures import Picture
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Table
from framethrift.reporting.tables_audit import headlines, ours
from framethrift.reporting.templating import tex_environment


def write_latex(
    sources: Sources, tables: list[Table], rest: list[Table], pictures: list[Picture], folder: ReportFolder, revision: str | None
) -> Path:
    """Write report.tex and the macros it takes its numbers from, numbers.tex. Long tables follow at the end."""
    cells = [(key, accuracy_entry(cell)) for key, cell in sources.results.cells.items() if not cell.missing]
    claims = [(verdict, ours(verdict)) for verdict in sources.verdicts]
    folder.write("numbers.tex", tex_environment().get_template("numbers.tex.j2").render(cells=cells, claims=claims))
    drawn = [picture for picture in pictures if not picture.missing and "pdf" in picture.kinds]
    text = tex_environment().get_template("report.tex.j2").render(
        study=sources.study,
        scale=scale(sources.study),
        revision=revision,
        headlines=headlines(sources.verdicts),
        counts=count(sources.verdicts),
        groups=by_group(sources.verdicts),
        tables=[table for table in tables if table.rows],
        rest=[table for table in rest if table.rows],
        pictures=drawn,
        choices=sources.choices,
    )  # fmt: skip
    return folder.write("report.tex", text)
