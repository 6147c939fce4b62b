"""What evaluation costs beside the model: sharing a video among its questions, and the harness around bare model calls.

    python perf/evaluation.py --quick
    python perf/evaluation.py --json perf/measured/evaluation.json

Model, videos and questions are made here: the miniature's shapes with random weights; the answers mean nothing, the time is real.
"""

import argparse
import json
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study, load_study
from framethrift.config.data import MotionWorld
from framethrift.evaluation import evaluate
from framethrift.evaluation.blocks import blocks
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import exported
from framethrift.models.modelling import build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import build_siglip
from framethrift.tracking import runs
from framethrift.videos import build_dataset
from framethrift.videos.tables import QUESTIONS, read_rows

VARIANT, SAMPLING, LENGTH = "cope", "cope_1k", 8


def build(folder: Path, videos: int) -> tuple[Study, Layout]:
    """The miniature's motion world with `videos` test videos, and its VideoLM with random weights."""
    study = load_study("mini", [f"datasets.motion.videos={{train: 2, validation: 0, test: {videos}}}"])
    layout, world = Layout(folder / "results" / "mini"), study.datasets["motion"]
    assert isinstance(world, MotionWorld)
    build_dataset(world, "motion", layout.root)
    encode_dataset(layout.root, "motion", study.recipes[world.recipe])
    rows = read_rows(QUESTIONS, layout.videos("motion"))
    tokenizer = build_tokenizer([row["question"] for row in rows], study.models.language.vocabulary)
    build_siglip(study.models.vision, len(tokenizer), seed=0).save_pretrained(layout.vision)
    model = build_videolm(study.models, layout.vision, tokenizer, None, 0)
    facts: dict[str, Any] = {"kind": "videolm", "variant": VARIANT, "seed": 0, "settings": "random"}
    with exported(layout.model(VARIANT, 0), **facts, extra=study.serving(VARIANT)) as target:
        model.save_pretrained(target)
        CopeVideoProcessor.of(study.models, tokenizer).save_pretrained(target)
    return study, layout


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Median wall time of `call`, after one that is not counted."""
    call()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def sharing(study: Study, layout: Layout, repeats: int) -> dict[str, float]:
    """The video side of ten questions about a video, beside that of one."""
    loaded = load_variant(study, layout, VARIANT, 0, "cpu")
    asked = load_asked(study, layout, "mini_motion")
    video = next(iter(asked.videos.values()))
    found: dict[str, float] = {}
    for name in (SAMPLING, "uniform_4"):
        viewer = loaded.answerer(study.samplings[name]).viewer
        asks = [Ask(video, f"what happens at {number} ?") for number in range(10)]
        one, ten = (seconds(partial(viewer, asks[:count]), repeats) for count in (1, 10))
        found |= {f"{name}_one_s": one, f"{name}_ten_s": ten, f"{name}_ratio": ten / one}
    return found


def now() -> NDArray[np.float64]:
    """Seconds (2,) of the wall clock, and of the processor: other programs slow the first, the disk is not in the second."""
    return np.array([time.perf_counter(), time.process_time()])


class Timed:
    """A function that adds up the seconds (2,) spent in it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, np.zeros(2)

    def __call__(self, *args: Any) -> Any:
        began = now()
        try:
            return self.function(*args)
        finally:
            self.seconds += now() - began


def overhead(study: Study, layout: Layout, repeats: int) -> dict[str, Any]:
    """A whole cell's answering and scoring, beside the same model calls on the same blocks and nothing else.

    Both run in turns and are compared pair by pair; within the answering, the time outside the model calls is measured too. The
    time to load the model, and to import lmms-eval, is in none of them.
    """
    names = study.evaluations()[VARIANT, SAMPLING]
    answerer = load_variant(study, layout, VARIANT, 0, "cpu").answerer(study.samplings[SAMPLING])
    asks = []
    for name in names:
        asked = load_asked(study, layout, name)
        asks += [Ask(asked.videos[question.video_id], question.question) for question in asked.present]
    found = blocks(asks, answerer.cost)
    answering, loading = Timed(evaluate.answer_shard), Timed(evaluate.load_answering)
    asking = Timed(next)

    def opened(*where: Any) -> Any:
        """What answers for the cell, with every step of its answers timed."""
        found, digests = loading(*where)
        real = found.answer

        def steps(asks: Any, lengths: Any) -> Iterator[Any]:
            answers = real(asks, lengths)
            while (answer := asking(answers, None)) is not None:
                yield answer

        found.answer = steps
        return found, digests

    evaluate.answer_shard = answering  # type: ignore[assignment]
    evaluate.load_answering = opened  # type: ignore[assignment]
    runs._push = lambda layout: None

    def bare() -> None:
        for block in found:
            for _ in answerer.answer([asks[index] for index in block], [LENGTH] * len(block)):
                pass

    def cell() -> None:
        shutil.rmtree(layout.cell(VARIANT, SAMPLING, 0), ignore_errors=True)
        evaluate.evaluate_cells(study, layout, VARIANT, SAMPLING, [0])

    both = [Timed(bare), Timed(cell)]
    every = [*both, answering, loading, asking]
    pairs = []
    for number in range(1 + repeats):  # first one, then the other first
        for timed in every:
            timed.seconds = np.zeros(2)
        for timed in both[:: 1 - 2 * (number % 2)]:
            timed()
        pairs.append([timed.seconds for timed in every])
    # The first pair imports lmms-eval and reads the streams' digests, which later cells remember.
    alone, whole, answered, loaded, inside = np.array(pairs[1:]).transpose(1, 0, 2)
    ratios, wholes = np.median(answered / alone - 1, axis=0), np.median((whole - loaded) / alone - 1, axis=0)
    outside = np.median(answered / inside - 1, axis=0)
    return {
        "questions": len(asks),
        "pairs": repeats,
        "bare_s": median(alone),
        "answering_s": median(answered),
        "answering_overhead": float(ratios[0]),
        "answering_overhead_processor": float(ratios[1]),
        "outside_model_calls": float(outside[0]),
        "outside_model_calls_processor": float(outside[1]),
        "load_model_s": median(loaded),
        "tasks_prompts_scores_s": median(whole - answered - loaded),
        "whole_cell_s": median(whole),
        "whole_overhead": float(wholes[0]),
        "whole_overhead_processor": float(wholes[1]),
    }


def median(seconds: NDArray[np.float64]) -> float:
    """Median of the wall clock's column."""
    return float(np.median(seconds[:, 0]))


def main() -> None:
    """Measure and print; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few videos and repeats")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="framethrift-") as scratch:
        study, layout = build(Path(scratch), 16 if chosen.quick else 100)
        figures: dict[str, Any] = {
            "sharing": sharing(study, layout, 3 if chosen.quick else 9),
            "overhead": overhead(study, layout, 2 if chosen.quick else 21),
        }
    figures["machine"] = {"python": platform.python_version(), "torch": str(torch.__version__), "processor": platform.machine()}
    text = json.dumps(figures, indent=1)
    print(text)
    if chosen.json:
        chosen.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
