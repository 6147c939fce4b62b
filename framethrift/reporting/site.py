"""The report's pages: one frame, one navigation, links that work from disk."""

from importlib import resources
from typing import Any

from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.sources import Sources
from framethrift.reporting.templating import html_environment

ASSETS = ("style.css", "pareto.js", "claims.js", "questions.js", "tables.js")


class Site:
    """Writes pages of one report."""

    def __init__(
        self,
        sources: Sources,
        folder: ReportFolder,
        revision: str | None,
        *,
        clips: bool,
        long_videos: bool = False,
        dialogues: bool = False,
    ) -> None:
        self.sources = sources
        self.folder = folder
        self._revision = revision
        self._navigation = [
            ("index.html", "Overview"),
            ("claims.html", "Claims"),
            ("papers.html", "The papers' tables"),
            *([("inspection.html", "Clips")] if clips else []),
            *([("long_videos.html", "Long videos")] if long_videos else []),
            *([("dialogues.html", "Conversations")] if dialogues else []),
            ("choices.html", "Choices and discrepancies"),
            ("cards.html", "Cards"),
            ("provenance.html", "Provenance"),
        ]

    def write(self, page: str, template: str, **content: Any) -> None:
        """Write `page` from a template that extends base.html.j2."""
        frame = {
            "study": self.sources.study,
            "page": page,
            "up": "../" * page.count("/"),
            "navigation": self._navigation,
            "revision": self._revision,
            "closed": self.folder.closed,
        }
        self.folder.write(page, html_environment().get_template(template).render(**frame, **content))


def write_assets(folder: ReportFolder) -> None:
    """Copy style sheet and scripts beside the pages."""
    templates = resources.files("framethrift.reporting").joinpath("templates")
    for name in ASSETS:
        folder.write(name, templates.joinpath(name).read_text(encoding="utf-8"))
