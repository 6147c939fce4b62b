"""Commands for one video: look at its codec primitives, ask a question about it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Clip = Annotated[Path, typer.Argument(help="A video file.")]


def inspect(
    clip: Annotated[Path, typer.Argument(help="A video file, or a folder of them.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="What to write: a picture (.png, .svg, .pdf) of a clip, or a page (.html) about a folder; "
            "inspection.png or inspection.html when left out."
        ),
    ] = None,
    window: Annotated[
        int | None, typer.Option(min=1, help="Fusion window s in frames; chosen from the GOP when left out.")
    ] = None,
) -> None:
    """Draw a clip's GOPs, motion vectors, residuals and bytes per frame; a folder's clips on one page."""
    if clip.is_dir():
        from framethrift.cli.steps import count_progress
        from framethrift.reporting.inspection_page import write_inspection_page

        page = out or Path("inspection.html")
        drawn = write_inspection_page(clip, page, window, count_progress("inspect", "files"))
        print(f"wrote {page}: {drawn} clip(s)")
        return
    from framethrift.codec.inspect import draw_inspection

    picture = out or Path("inspection.png")
    draw_inspection(clip, picture, window)
    print(f"wrote {picture}")


def ask(
    clip: Clip,
    questions: Annotated[list[str], typer.Argument(help="A question about the clip; more go on in the same conversation.")],
    model: Annotated[Path, typer.Option(help="Folder of a trained variant, e.g. results/mini/models/cope.")],
    sampling: Annotated[str | None, typer.Option(help="JSON of a sampling; the model's own when left out.")] = None,
) -> None:
    """Answer questions about a clip, and say what was shown to the model. The clip is read once."""
    from framethrift.evaluation.ask import converse

    print("\n\n".join(reply.describe() for reply in converse(clip, questions, model, sampling)))


COMMANDS: list[Callable[..., None]] = [inspect, ask]
