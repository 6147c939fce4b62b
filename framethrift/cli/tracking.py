"""`framethrift mlflow`: send what could not be sent to MLflow while a stage ran."""

import typer

from framethrift.cli.options import StudyName, open_study

app = typer.Typer(no_args_is_help=True, help="The tracking of training and evaluation runs.")


@app.command()
def sync(study: StudyName = "mini") -> None:
    """Replay the local spool of a study to MLflow, each record once."""
    from framethrift.tracking import sync as push

    print(push(open_study(study, None)[1]))


@app.callback()
def _group() -> None:
    """The tracking of training and evaluation runs."""
