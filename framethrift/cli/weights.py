"""`framethrift weights`: look for ready-made weights, and bring published ones into this project's layout."""

from pathlib import Path
from typing import Annotated

import typer

from framethrift.cli.options import Overrides, StudyOption
from framethrift.cli.steps import weights
from framethrift.config import StudyError, load_study
from framethrift.integrity import proven

app = typer.Typer(invoke_without_command=True, help="The ready-made weights of a study.")


@app.callback()
def check(context: typer.Context, study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Check that every ready-made weight a study names is on this machine."""
    if context.invoked_subcommand is None:
        proven(weights)(study=study, set_=set_)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Folder of a published LLaVA-Video checkpoint with its tokenizer.")],
    target: Annotated[
        Path | None, typer.Argument(help="Folder to write; the study's models.language.source if left out.")
    ] = None,
    study: StudyOption = "paper",
    set_: Overrides = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the Δ-encoder, which no published checkpoint has.")] = 0,
) -> None:
    """Convert a published LLaVA-Video checkpoint to the study's VideoLM, refusing tensors that are missing or left over."""
    from framethrift.models.convert_llava_video import convert_llava_video
    from framethrift.models.tokenizer import load_tokenizer

    models = load_study(study, set_ or []).models
    if target is None and models.language.source is None:
        raise StudyError(f"study {study!r}: models.language.source is null; name the folder to write")
    folder = target or Path(str(models.language.source))
    convert_llava_video(source, folder, models, load_tokenizer(str(source)), seed)
    print(f"wrote {folder}")
