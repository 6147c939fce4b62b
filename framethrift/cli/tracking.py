"""`framethrift mlflow`: send what could not be sent to MLflow while a stage ran."""

from typing import Annotated

import typer

from framethrift.config import Layout, load_study

app = typer.Typer(no_args_is_help=True, help="The tracking of training and evaluation runs.")


@app.command()
def sync(study: Annotated[str, typer.Argument(help="Name or YAML file of a study.")] = "mini") -> None:
    """Replay the local spool of a study to MLflow, each record once."""
    from framethrift.tracking import sync as push

    print(push(Layout(f"results/{load_study(study).name}")))


@app.callback()
def _group() -> None:
    """The tracking of training and evaluation runs."""
