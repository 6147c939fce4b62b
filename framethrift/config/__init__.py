"""Configuration of a study: strict pydantic models, no torch."""

from framethrift.config.layout import Layout
from framethrift.config.load import StudyError, load_study
from framethrift.config.study import Study
from framethrift.config.workflow import Workflow

__all__ = ["Layout", "Study", "StudyError", "Workflow", "load_study"]
