"""`framethrift why` and `framethrift doctor`: what would run again, and what is broken."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from framethrift.cli.options import AsJson, Overrides, StudyOption, open_study
from framethrift.config import Layout


def why(
    targets: Annotated[list[str] | None, typer.Argument(help="Files of the study; none: its report and all it rests on.")] = None,
    study: StudyOption = "mini",
    set_: Overrides = None,
) -> None:
    """Say in words what would run again, and because of which field, file or line of code. Nothing is run."""
    from framethrift.integrity.planned import planned_jobs
    from framethrift.integrity.why import explain, explain_current

    settings, layout = open_study(study, set_)
    overrides = [f"set={json.dumps(set_, ensure_ascii=False)}"] if set_ else []
    jobs = planned_jobs(targets or [], [f"study={study}", *overrides])
    for line in explain(settings, layout, jobs):
        print(line)
    if not jobs:
        print("nothing would run: every file is what the settings and the code ask for")
    made = {output for job in jobs for output in job.outputs}
    for line in explain_current(layout, [target for target in targets or [] if target not in made]):
        print(line)


def doctor(
    results: Annotated[Path, typer.Argument(help="Results folder of a study.")] = Path("results/mini"),
    quick: Annotated[bool, typer.Option("--quick", help="Compare sizes of videos and weights, not their digests.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every file of a study and what its last run left behind; exit code 1 when something is wrong.

    Nothing is changed: the commands that repair it are printed, to be run in this folder.
    """
    from framethrift.integrity.doctor import examine

    diagnosis = examine(Layout(results), quick=quick)
    if as_json:
        facts = {"healthy": diagnosis.healthy, "files": diagnosis.files, "repairs": diagnosis.repairs}
        print(json.dumps(facts | {"findings": [asdict(one) for one in diagnosis.findings]}, indent=1, ensure_ascii=False))
    else:
        for one in diagnosis.findings:
            print(f"{'left over' if one.untidy else 'wrong'}: {one.path}: {one.what}")
        for command in diagnosis.repairs:
            print(f"repair: {command}")
        if diagnosis.healthy:
            print(f"{results}: {diagnosis.files} outputs and all they count on are what their jobs wrote")
    if not diagnosis.healthy:
        raise typer.Exit(1)


COMMANDS: list[Callable[..., None]] = [why, doctor]
