"""`framethrift config`: look at a study, and keep its schema in step with the code."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from framethrift.cli.options import Overrides, StudyName
from framethrift.config import load_study
from framethrift.config.schema import schema_text

app = typer.Typer(no_args_is_help=True, help="Look at a study's settings.")
SCHEMA = Path("config/schema.json")


@app.command()
def show(
    study: StudyName,
    set_: Overrides = None,
) -> None:
    """Print the effective settings of a study as YAML: every field, defaults included."""
    settings = load_study(study, set_ or []).model_dump(mode="json")
    print(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120), end="")


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 when the file is out of date.")] = False,
) -> None:
    """Write config/schema.json from the code."""
    wanted = schema_text()
    if check:
        if not SCHEMA.is_file() or SCHEMA.read_text(encoding="utf-8") != wanted:
            print(f"{SCHEMA} is out of date: run `framethrift config schema`")
            raise typer.Exit(1)
        return
    SCHEMA.write_text(wanted, encoding="utf-8")
    print(f"wrote {SCHEMA}")
