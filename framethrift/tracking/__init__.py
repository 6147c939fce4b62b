"""Tracking with MLflow that cannot hurt: runs are spooled locally first and copied to MLflow when a stage ends."""

from framethrift.tracking.push import Pushed, has_news
from framethrift.tracking.push import push_pending as sync
from framethrift.tracking.runs import StageRun, stage_run
from framethrift.tracking.store import TrackingError

__all__ = ["Pushed", "StageRun", "TrackingError", "has_news", "stage_run", "sync"]
