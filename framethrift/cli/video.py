"""Commands for one video: look at its codec primitives, ask a question about it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

Clip = Annotated[Path, typer.Argument(help="A video file.")]


def inspect(
    clip: Clip,
    out: Annotated[Path, typer.Option(help="Picture to write (.png, .svg or .pdf).")] = Path("inspection.png"),
    window: Annotated[
        int | None, typer.Option(min=1, help="Fusion window s in frames; chosen from the GOP when left out.")
    ] = None,
) -> None:
    """Draw a clip's GOPs, motion vectors, residuals and bytes per frame."""
    from framethrift.codec.inspect import draw_inspection

    draw_inspection(clip, out, window)
    print(f"wrote {out}")


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
