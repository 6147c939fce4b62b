"""Rendering the whole report of a study from its results."""

from collections import defaultdict
from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.progress import Progress
from framethrift.reporting import tables_audit
from framethrift.reporting.cards import data_cards, model_cards
from framethrift.reporting.clips_page import clip_datasets, write_clips
from framethrift.reporting.dialogue_page import write_dialogues
from framethrift.reporting.drill_down import write_questions
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.latex import write_latex
from framethrift.reporting.ledger import STATUSES, Verdict, count
from framethrift.reporting.long_video_page import long_sets, write_long_videos
from framethrift.reporting.overview import write_overview
from framethrift.reporting.pdf import PDF, build_pdf
from framethrift.reporting.pictures import draw_pictures
from framethrift.reporting.provenance_page import stages, write_provenance
from framethrift.reporting.render_table import table_html, write_table
from framethrift.reporting.results import Cell
from framethrift.reporting.site import Site, write_assets
from framethrift.reporting.sources import Sources, read_sources
from framethrift.reporting.stage_runs import read_stage_runs
from framethrift.reporting.table import Entry
from framethrift.reporting.tables import study_tables
from framethrift.reporting.tables_printed import printed_table


def render_report(
    study: Study,
    layout: Layout,
    report_dir: Path,
    progress: Progress | None = None,
    *,
    revision: str | None = None,
    pdf: bool = False,
    published: int | None = None,
) -> Sources:
    """Write tables, figures, pages, LaTeX sources and (`pdf`) the PDF of `study` to `report_dir`, from files under `layout`.

    A report to be `published` is kept apart from its results: it leads nowhere else and lists so many questions of a benchmark.
    Missing, damaged or contradictory results never stop the report: they are named at their place and in the list of
    problems of the returned sources. index.html is written last. Raises LedgerError for an unusable claims ledger.
    """
    progress = progress or Progress("report", unit="parts")
    folder = ReportFolder(report_dir, apart_from=None if published is None else layout.root)
    sources = read_sources(study, layout, progress)
    runs, run_problems = read_stage_runs(layout)
    sources.problems.extend(run_problems)
    clips = clip_datasets(study)
    long_videos = long_sets(study)
    own_pages = {"clips": bool(clips), "long_videos": bool(long_videos), "dialogues": bool(study.dialogues)}
    site = Site(sources, folder, revision, **own_pages)
    asked: dict[str, list[Cell]] = defaultdict(list)
    for key, cell in sources.results.cells.items():
        if not cell.missing:
            asked[key.benchmark].append(cell)
    progress.start(total=len(asked) + 6, unit="parts")
    write_assets(folder)
    for benchmark, cells in asked.items():
        write_questions(site, benchmark, cells, published)
        progress.advance()
    pictures = draw_pictures(sources, runs, folder)
    progress.advance()
    if clips:
        write_clips(site, clips)
    if long_videos:
        write_long_videos(site, long_videos)
    if study.dialogues:
        write_dialogues(site)
    progress.advance()
    tables = study_tables(sources)
    printed = {ledger.paper: [printed_table(sources, table) for table in ledger.tables] for ledger in sources.ledgers}
    rest = [tables_audit.claims(sources), tables_audit.problems(sources), stages(runs)]
    for table in [*tables, *(table for group in printed.values() for table in group), *rest]:
        write_table(table, folder)
    progress.advance()
    _write_claims(site)
    site.write(
        "papers.html",
        "papers.html.j2",
        papers=[
            (ledger, [table_html(table, folder, "papers.html") for table in printed[ledger.paper]]) for ledger in sources.ledgers
        ],
    )
    _write_choices(site)
    site.write("cards.html", "cards.html.j2", groups={"Datasets": data_cards(sources), "Models": model_cards(sources)})
    write_provenance(site, runs, revision)
    progress.advance()
    write_latex(sources, tables, rest, pictures, folder, revision)
    built = build_pdf(report_dir) if pdf else f"{PDF} was not asked for"
    progress.say(built)
    progress.advance()
    write_overview(site, tables, pictures, built)
    folder.remove_stale(("tables", "figures", "questions", "clips", "dialogues"))
    progress.advance()
    counts = ", ".join(f"{number} {status}" for status, number in count(sources.verdicts).items())
    progress.say(f"{report_dir / 'index.html'}: {counts}; {len(sources.problems)} problem(s)")
    return sources


def _write_claims(site: Site) -> None:
    def shown(verdict: Verdict) -> tuple[Verdict, Entry, list[tuple[str, str | None]]]:
        root = site.sources.layout.root
        links = [(file.relative_to(root).as_posix(), site.folder.source(file, "claims.html")) for file in verdict.files]
        return verdict, tables_audit.ours(verdict), links

    verdicts = site.sources.verdicts
    site.write(
        "claims.html",
        "claims.html.j2",
        statuses=STATUSES,
        papers=[ledger.paper for ledger in site.sources.ledgers],
        sections={status: [shown(verdict) for verdict in verdicts if verdict.status == status] for status in STATUSES},
    )


def _write_choices(site: Site) -> None:
    groups = defaultdict(list)
    for choice in site.sources.choices:
        groups[choice.paper].append(choice)
    wrong = [
        verdict for verdict in site.sources.verdicts if verdict.claim.kind == "arithmetic" and verdict.status == "contradicted"
    ]
    site.write("choices.html", "choices.html.j2", groups=groups, inconsistencies=wrong)
