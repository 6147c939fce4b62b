"""Scores from answers that are there already: judges, labels and scoring again. Imports are local to each."""

from typing import Annotated

import typer

from framethrift.cli.options import Overrides, Sampling, Seed, StudyOption, Variant, open_study

Price = Annotated[float | None, typer.Option(min=0, help="Dollars per million tokens, for the estimate.")]


def judge(
    variant: Variant,
    sampling: Sampling,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    per_minute: Annotated[float, typer.Option(min=0.1, help="Questions per minute at most.")] = 300.0,
    workers: Annotated[int, typer.Option(min=1, help="Questions under way at a time.")] = 4,
    price_in: Price = None,
    price_out: Price = None,
    estimate: Annotated[bool, typer.Option(help="Only say what it would cost.")] = False,
    again: Annotated[bool, typer.Option(help="Ask anew where the judge failed.")] = False,
) -> None:
    """Judge a cell's open answers by the endpoint of FRAMETHRIFT_JUDGE_URL, _MODEL and _KEY; without one they stay not judged."""
    from framethrift.evaluation.judging.judge import Pace, judge_cells

    pace = Pace(per_minute=per_minute, workers=workers, price_in=price_in, price_out=price_out)
    judge_cells(*open_study(study, set_), variant, sampling, seed, pace, estimate_only=estimate, again=again)


def labels(variant: Variant, study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Label the questions of a variant's benchmarks by what its controls say they need: the video, the order of its frames."""
    from framethrift.evaluation.labels import write_labels

    write_labels(*open_study(study, set_), variant)


def curate(variant: Variant, study: StudyOption = "mini", set_: Overrides = None, seed: Seed = 0) -> None:
    """Leave out training questions of long-video sets that a VideoLM's pass rates show to be too easy or too hard."""
    from framethrift.videos.curation import curate as keep

    keep(*open_study(study, set_), variant, seed)


def score(study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Score every evaluated cell of a study again from its per-question files: after a change of the parser, or as a check."""
    from framethrift.evaluation.rescoring import rescore
    from framethrift.progress import say

    loaded, layout = open_study(study, set_)
    for variant, sampling in loaded.evaluations():
        for seed in loaded.seeds:
            folder = layout.cell(variant, sampling, seed)
            if not (folder / "cells.json").is_file():
                say(f"{variant}/{sampling} seed{seed}: not evaluated")
                continue
            changed = rescore(folder, loaded.bootstrap)
            say(f"{variant}/{sampling} seed{seed}: {', '.join(changed) + ' changed' if changed else 'as it was'}")
