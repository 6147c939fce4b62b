"""Rendering one table as CSV, as an HTML fragment and as LaTeX, all from its entries."""

from pathlib import Path
from string import ascii_lowercase

from markupsafe import Markup

from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.table import Entry, Table
from framethrift.reporting.templating import html_environment, tex_environment


def table_html(table: Table, folder: ReportFolder, page: str) -> Markup:
    """The table as a figure element for `page`: numbers lead to the questions or the file behind them."""

    def address(entry: Entry) -> str | None:
        if entry.page:
            return folder.link(entry.page.partition("#")[0], page) + "".join(entry.page.partition("#")[1:])
        return folder.source(entry.files[0], page) if entry.files else None

    def files(entry: Entry) -> str:
        return " ".join(folder.told(file, page) for file in entry.files)

    template = html_environment().get_template("table.html.j2")
    downloads = {kind: folder.link(f"tables/{table.name}.{kind}", page) for kind in ("csv", "tex")}
    return Markup(template.render(table=table, address=address, files=files, footnote=_footnotes(table), downloads=downloads))


def table_tex(table: Table) -> str:
    """The table as LaTeX (booktabs; longtable where it runs over pages), to be read by \\input inside a document."""
    return tex_environment().get_template("table.tex.j2").render(table=table, blank=Entry(""), footnote=_footnotes(table))


def write_table(table: Table, folder: ReportFolder) -> None:
    """Write tables/<name>.csv, .tex and .html; no .html into a closed folder, whose pages hold every table already."""
    name = f"tables/{table.name}"

    def link(file: Path) -> str:
        return folder.told(file, f"{name}.csv")

    folder.write(f"{name}.csv", table.csv(link))
    folder.write(f"{name}.tex", table_tex(table))
    if folder.closed:
        return
    body = table_html(table, folder, f"{name}.html")
    page = html_environment().get_template("fragment.html.j2")
    folder.write(f"{name}.html", page.render(title=table.title, body=body))


def _footnotes(table: Table) -> dict[str, str]:
    """Reason → mark: a, b, …, z, aa, …"""
    return {reason: _letters(number) for number, reason in enumerate(table.reasons)}


def _letters(number: int) -> str:
    text = ascii_lowercase[number % 26]
    return text if number < 26 else _letters(number // 26 - 1) + text
