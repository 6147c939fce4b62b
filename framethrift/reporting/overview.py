"""The first page: what was run, what was found, and where to look."""

from collections import defaultdict

from markupsafe import Markup

from framethrift.config import Study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.data import Clips, LongVideoQA, Official, Published
from framethrift.config.variants import VideolmVariant
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.ledger import Status, Verdict, count
from framethrift.reporting.pareto import COSTS, SECONDS
from framethrift.reporting.pareto_svg import pareto_html
from framethrift.reporting.pdf import PDF
from framethrift.reporting.pictures import Picture
from framethrift.reporting.render_table import table_html
from framethrift.reporting.site import Site
from framethrift.reporting.table import Table
from framethrift.reporting.tables_audit import headlines, unmet
from framethrift.reporting.templating import html_environment


def write_overview(site: Site, tables: list[Table], pictures: list[Picture], pdf: str) -> None:
    """Write index.html and the Pareto plot alone, figures/pareto.html; `pdf` says what came of the PDF."""
    sources = site.sources
    variants = list(sources.study.variants)
    plots = {cost: (against, panels_of(sources)) for cost, (against, panels_of) in COSTS.items()}
    tokens = plots["tokens"][1]
    if tokens:
        _write_pareto(pareto_html(tokens, variants, site.folder, "figures/pareto.html"), site.folder)
    site.write(
        "index.html",
        "index.html.j2",
        scale=scale(sources.study),
        problems=len(sources.problems),
        headlines=headlines(sources.verdicts),
        unmet=unmet(sources.verdicts),
        full_scale=full_scale(sources.verdicts),
        total=len(sources.verdicts),
        counts=count(sources.verdicts),
        groups=by_group(sources.verdicts),
        paretos={
            cost: (against, pareto_html(panels, variants, site.folder, "index.html") if panels else "")
            for cost, (against, panels) in plots.items()
        },
        seconds=SECONDS,
        tables=[(table.name, table.title, table_html(table, site.folder, "index.html")) for table in tables],
        pictures=pictures,
        pdf=pdf,
        has_pdf=site.folder.path(PDF).is_file(),
    )


def by_group(verdicts: list[Verdict]) -> dict[str, dict[Status, int]]:
    """Counts per paper and what the verdicts rest on: the papers' arithmetic, the miniature, the full scale."""
    grouped: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        claim = verdict.claim
        basis = (
            "own arithmetic" if claim.kind == "arithmetic" else "in miniature" if claim.scale == "miniature" else "at full scale"
        )
        grouped[f"{verdict.paper}, {basis}"].append(verdict)
    return {name: count(members) for name, members in grouped.items()}


def full_scale(verdicts: list[Verdict]) -> dict[Status, int]:
    """Counts of the claims that only a study at the papers' own scale could decide, if any."""
    return count(verdict for verdict in verdicts if verdict.claim.kind != "arithmetic" and verdict.claim.scale != "miniature")


def scale(study: Study) -> dict[str, str]:
    """What was run, in numbers, and what it cannot show."""
    language, vision = study.models.language, study.models.vision
    trained = len(study.variants)
    videos = []
    for name, dataset in study.datasets.items():
        if isinstance(dataset, Clips):
            videos.append(f"the clips of {dataset.folder}")
        elif isinstance(dataset, LongVideoQA):
            videos.append(f"long videos of {dataset.folder} ({name})")
        elif isinstance(dataset, Official | Published):
            videos.append(f"published videos ({name})")
        else:
            splits = dataset.videos
            size = f"{dataset.width}×{dataset.height} pixels"
            videos.append(
                f"{splits.train + splits.validation + splits.test} procedural videos of {size} ({name}, {splits.test} held out)"
            )
    steps = max((study.training_of(name).videolm.steps for name in study.names_of(VideolmVariant)), default=0)
    what = (
        f"{trained} variants with a language model of {language.layers} layers × {language.hidden_size} and a vision tower "
        f"of {vision.layers - vision.drop_layers} layers × {vision.hidden_size}, {steps} fine-tuning steps, on "
        f"{' and '.join(videos)}; {_plural(len(study.seeds), 'seed')}."
    )
    return {"what": what, "limits": " ".join(_limits(study))}


def _limits(study: Study) -> list[str]:
    registry = load_benchmarks()
    names = {name for benchmarks in study.evaluations().values() for name in benchmarks}
    published = sorted(name for name in names if name in registry and registry[name].category != "miniature")
    limits = []
    if published:
        limits.append(f"Only {', '.join(published)} are the papers' benchmarks; other numbers cannot be compared with theirs.")
    else:
        limits.append(
            "None of the papers' benchmarks is in this study: no accuracy here can be compared with theirs, and a claim "
            "reproduced in miniature says that the mechanism was seen on procedural videos, not that the paper's number was met."
        )
    if len(study.seeds) == 1:
        limits.append("With one seed, intervals cover the choice of test videos, not the luck of a training run.")
    return limits


def _write_pareto(body: Markup, folder: ReportFolder) -> None:
    """The plot in one file of its own, style and script inside."""
    template = html_environment().get_template("pareto_page.html.j2")
    folder.write("figures/pareto.html", template.render(body=body))


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
