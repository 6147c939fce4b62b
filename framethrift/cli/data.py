"""`framethrift data`: what of a study's published data is here, and fetching it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from framethrift.cli.options import AsJson, Root, StudyName
from framethrift.config import StudyError, load_study

app = typer.Typer(no_args_is_help=True, help="Published benchmarks and training sets: what is here, and how to get it.")


@app.command()
def status(study: StudyName = "paper", root: Root = None, as_json: AsJson = False) -> None:
    """List, per published dataset of a study, what is here and missing, sizes, licences and gates."""
    from framethrift.published.lookup import data_root
    from framethrift.published.status import data_states, describe

    place = data_root(root)
    if as_json:
        print(json.dumps([state.as_json() for state in data_states(load_study(study), place)], indent=1))
        return
    print(f"data root: {place}\n")
    for state in data_states(load_study(study), place):
        print(f"{describe(state)}\n")


@app.command()
def fetch(study: StudyName, name: Annotated[str, typer.Argument(help="Dataset of the study.")], root: Root = None) -> None:
    """Download and verify a published dataset below the data root; run it again to go on where it stopped."""
    from framethrift.config.sources import load_sources
    from framethrift.published.fetch import fetch as download
    from framethrift.published.lookup import data_root

    datasets = load_study(study).datasets
    key = getattr(datasets.get(name), "source", name)
    if name not in datasets or key not in load_sources():
        known = [each for each, dataset in datasets.items() if getattr(dataset, "source", each) in load_sources()]
        raise StudyError(f"dataset {name!r} is no published dataset of study {study!r}; allowed: {known}")
    place: Path = data_root(root)
    download(load_sources()[key], place, print)
    print(f"fetched into {place / load_sources()[key].folder}")
