"""Tracking with MLflow that cannot hurt: runs are spooled locally first and copied to MLflow when a stage ends."""

from framethrift.tracking.push import Pushed
from framethrift.tracking.push import push_pending as sync
from framethrift.tracking.runs import StageRun, stage_run
from framethrift.tracking.store import TrackingError

__all__ = ["Pushed", "StageRun", "TrackingError", "stage_run", "sync"]
