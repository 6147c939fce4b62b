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
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

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


def overhead(study: Study, layout: Layout, repeats: int) -> dict[str, float]:
    """A whole cell's answering and scoring, beside the same model calls on the same blocks and nothing else.

    The time to load the model, and to import lmms-eval, is in neither.
    """
    names = study.evaluations()[VARIANT, SAMPLING]
    answerer = load_variant(study, layout, VARIANT, 0, "cpu").answerer(study.samplings[SAMPLING])
    asks = []
    for name in names:
        asked = load_asked(study, layout, name)
        asks += [Ask(asked.videos[question.video_id], question.question) for question in asked.present]
    found = blocks(asks, answerer.cost)

    def bare() -> None:
        for block in found:
            for _ in answerer.answer([asks[index] for index in block], [LENGTH] * len(block)):
                pass

    real = evaluate.answer_shard
    inside: list[float] = []

    def timed(*args: Any) -> Any:
        start = time.perf_counter()
        result = real(*args)
        inside.append(time.perf_counter() - start)
        return result

    evaluate.answer_shard = timed
    runs._push = lambda layout: None  # type: ignore[assignment]
    evaluate.evaluate_cells(study, layout, VARIANT, "blind", 0)  # imports
    loading = seconds(lambda: load_variant(study, layout, VARIANT, 0, "cpu"), 3)
    bare()
    alones, answerings, wholes, scorings = [], [], [], []
    for _ in range(repeats):  # in turns, so that a machine that slows down slows both
        began = time.perf_counter()
        bare()
        alones.append(time.perf_counter() - began)
        shutil.rmtree(layout.cell(VARIANT, SAMPLING, 0), ignore_errors=True)
        began = time.perf_counter()
        evaluate.evaluate_cells(study, layout, VARIANT, SAMPLING, 0)
        wholes.append(time.perf_counter() - began)
        answerings.append(inside[-1] - loading)
        scorings.append(wholes[-1] - inside[-1])
    alone, answering, whole = (statistics.median(found) for found in (alones, answerings, wholes))
    return {
        "questions": len(asks),
        "bare_s": alone,
        "answering_s": answering,
        "answering_overhead": answering / alone - 1,
        "load_model_s": loading,
        "tasks_prompts_scores_s": statistics.median(scorings),
        "whole_cell_s": whole,
        "whole_overhead": (whole - loading) / alone - 1,
    }


def main() -> None:
    """Measure and print; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few videos and repeats")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="framethrift-") as scratch:
        study, layout = build(Path(scratch), 16 if chosen.quick else 200)
        figures: dict[str, Any] = {
            "sharing": sharing(study, layout, 3 if chosen.quick else 9),
            "overhead": overhead(study, layout, 2 if chosen.quick else 7),
        }
    figures["machine"] = {"python": platform.python_version(), "torch": str(torch.__version__), "processor": platform.machine()}
    text = json.dumps(figures, indent=1)
    print(text)
    if chosen.json:
        chosen.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
