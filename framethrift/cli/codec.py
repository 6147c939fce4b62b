"""`framethrift codec`: the DAG's re-encoding step, and what anybody may ask of the codec layer about their own files."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framethrift.cli import steps
from framethrift.cli.options import AsJson, Jobs, Overrides, StudyOption
from framethrift.integrity import proven

if TYPE_CHECKING:
    from framethrift.codec import VideoRejected
    from framethrift.codec.verify import VerifyResult

app = typer.Typer(invoke_without_command=True)
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Video files; put -- before names that begin with a dash.")]
Window = Annotated[int, typer.Option("--s", min=1, help="Fusion window s in frames.")]
BFrames = Annotated[bool, typer.Option("--b-frames", help="Read streams with B-frames too, instead of refusing them.")]


@app.callback()
def codec(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(help="Dataset of the study.")] = None,
    study: StudyOption = "mini",
    set_: Overrides = None,
    jobs: Jobs = 1,
) -> None:
    """Re-encode a dataset to its recipe, or check files: see the commands below."""
    if context.invoked_subcommand is not None:
        return
    if dataset is None:
        raise typer.BadParameter("name a dataset of the study, or a command", param_hint="--dataset")
    proven(steps.codec)(dataset=dataset, study=study, set_=set_, jobs=jobs)


@app.command()
def verify(files: Files, window: Window = 30, b_frames: BFrames = False, as_json: AsJson = False) -> None:
    """Read each file's primitives, warp, add, and compare with a plain decoding.

    Exit status 1: a pixel differs. 2: a file was refused. 0: neither.
    """
    from framethrift.codec import VideoRejected
    from framethrift.codec.verify import verify as check

    wrong = refused = False
    reports = []
    for number, path in enumerate(files):
        found: VerifyResult | VideoRejected
        try:
            found = check(path, window, b_frames=b_frames)
            wrong |= found.mismatching_pixels > 0
        except VideoRejected as rejected:
            found, refused = rejected, True
        if as_json:
            reports.append(_facts(path, found))
        else:
            print(("\n" if number else "") + _lines(path, found), flush=True)
    if as_json:
        print(json.dumps({"s": window, "files": reports}, indent=1, ensure_ascii=False))
    if wrong or refused:
        raise typer.Exit(1 if wrong else 2)


def _facts(path: Path, found: "VerifyResult | VideoRejected") -> dict[str, Any]:
    from framethrift.codec import VideoRejected

    if isinstance(found, VideoRejected):
        return {"file": str(path), "refused": found.reason, "detail": found.detail}
    facts = {
        "file": str(path),
        "gops": found.gops,
        "windows": found.windows,
        "mismatching_pixels": found.mismatching_pixels,
        "mean_residual": found.mean_residual,
        "mean_difference": found.mean_difference,
        "gain": found.gain,
    }
    # JSON knows no NaN: a file without a window has no means.
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in facts.items()}


def _lines(path: Path, found: "VerifyResult | VideoRejected") -> str:
    from framethrift.codec import VideoRejected

    if isinstance(found, VideoRejected):
        return f"{path}\n  refused   {found.reason}: {found.detail}"
    lines = [
        str(path),
        f"  checked   {found.windows} windows of {found.window} frames in {found.gops} GOPs",
        f"  wrong     {found.mismatching_pixels} pixels",
    ]
    if found.windows:
        lines.append(
            f"  gain of τ {found.gain:.1%}: mean |δ| {found.mean_residual:.2f}, "
            f"mean |target - reference| {found.mean_difference:.2f} grey levels"
        )
    else:
        lines.append(f"  gain of τ unknown: no GOP is longer than {found.window} frames; choose a smaller --s")
    return "\n".join(lines)
