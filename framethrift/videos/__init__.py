"""Datasets of a study: procedural worlds, anybody's clips, published datasets; their tables and source videos."""

from framethrift.videos.dataset import BuiltDataset, build_dataset
from framethrift.videos.ingest import NoUsableVideo
from framethrift.videos.tables import CAPTIONS, QUARANTINE, QUESTIONS, VIDEOS, TableError, read_rows, read_table, write_table

__all__ = [
    "CAPTIONS",
    "QUARANTINE",
    "QUESTIONS",
    "VIDEOS",
    "BuiltDataset",
    "NoUsableVideo",
    "TableError",
    "build_dataset",
    "read_rows",
    "read_table",
    "write_table",
]
