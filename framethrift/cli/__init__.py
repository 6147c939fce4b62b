"""The command line: every step of the DAG, and the commands for one video."""

from framethrift.cli.app import main

__all__ = ["main"]
