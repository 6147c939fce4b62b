"""The application: global options, the groups of commands, and how errors are shown."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from framethrift.cli import codec, configuration, data, findings, integrity, plan, scoring, steps, tracking, video, weights
from framethrift.integrity import proven
from framethrift.progress import redirect_to
from framethrift.secrets import redact

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(configuration.app, name="config")
app.add_typer(data.app, name="data")
app.add_typer(tracking.app, name="mlflow")
app.add_typer(weights.app, name="weights")
app.add_typer(codec.app, name="codec")
for step in [*steps.COMMANDS, scoring.labels, scoring.curate]:
    app.command()(proven(step))
app.command()(proven(scoring.judge, unless="estimate"))
for command in [scoring.score, *video.COMMANDS, *findings.COMMANDS, *integrity.COMMANDS, plan.plan]:
    app.command()(command)


@app.callback()
def options(
    context: typer.Context,
    log: Annotated[Path | None, typer.Option(help="Write all output to this file; the console keeps the progress lines.")] = None,
) -> None:
    """Frugal video language models: CoPE-VideoLM and MSJoE, reproduced from videos to tables."""
    context.with_resource(redirect_to(log))


def main() -> None:
    """Entry point of the `framethrift` command: an error of this project is one message, any other a traceback."""
    try:
        app()
    except Exception as error:
        if not type(error).__module__.startswith("framethrift."):
            raise
        print(redact(f"framethrift: {error}"), file=sys.stderr)
        sys.exit(2)
