"""A report to keep in git: what a visitor sees without running anything, a few megabytes, with nothing that leads elsewhere."""

from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.progress import Progress
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.ledger import count
from framethrift.reporting.overview import full_scale, scale
from framethrift.reporting.report import render_report
from framethrift.reporting.sources import Sources
from framethrift.reporting.tables_audit import headlines, unmet
from framethrift.reporting.templating import text_environment

PUBLISHED = Path("reports/published")
QUESTIONS = 24  # per benchmark; every answer to every question would be tens of megabytes


def publish(
    study: Study, layout: Layout, progress: Progress, *, revision: str, target: Path | None = None, questions: int = QUESTIONS
) -> Path:
    """Render the study's report from its results to reports/published/<study>, with a README.md that says what was found.

    Its pages lead to its own pages and figures only, and list the first `questions` of each benchmark. Returns the README.
    """
    folder = ReportFolder(target or PUBLISHED / study.name)
    sources = render_report(study, layout, folder.root, progress, revision=revision, pdf=True, published=questions)
    return folder.write("README.md", _readme(sources, folder, revision))


def _readme(sources: Sources, folder: ReportFolder, revision: str) -> str:
    return (
        text_environment()
        .get_template("published.md.j2")
        .render(
            study=sources.study,
            scale=scale(sources.study),
            revision=revision,
            counts=count(sources.verdicts),
            total=len(sources.verdicts),
            headlines=headlines(sources.verdicts),
            unmet=unmet(sources.verdicts),
            full_scale=full_scale(sources.verdicts),
            problems=len(sources.problems),
            has_pdf=(folder.root / "report.pdf").is_file(),
        )
    )
