"""From results to a document a sceptic can check: claims, tables, figures, pages, LaTeX. Reads files only."""

from framethrift.reporting.report import render_report

__all__ = ["render_report"]
