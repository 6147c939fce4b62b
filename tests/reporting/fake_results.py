"""A small results folder with known numbers, so that the report can be tested without training anything."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from framethrift.codec import encode_frames
from framethrift.config import Layout, Study, load_study
from framethrift.config.sampling import Select, Stream

STUDY = Path(__file__).with_name("study.yaml")
VIDEOS = 30
# Share right per (variant, sampling), on the benchmark that needs the video; everything else is at 0.98 or at chance.
RIGHT = {
    ("cope", "cope_1k"): 0.86,
    ("cope", "cope_zero"): 0.27,
    ("cope", "cope_swap"): 0.41,
    ("cope", "rgb_1k"): 0.39,
    ("rgb", "rgb_1k"): 0.40,
    ("rgb", "rgb_4k"): 0.90,
    ("mllm", "uniform_4"): 0.45,
    ("mllm", "top_k_4"): 0.72,
    ("mllm", "split_top_k_4"): 0.74,
    ("mllm", "oracle_4"): 0.92,
    ("sampler", "msjoe_4"): 0.75,
    ("msjoe", "msjoe_4"): 0.88,
}
OPTIONS = {"direction": ["up", "down", "left", "right"], "colour": ["red", "green", "blue", "white"], "order": ["yes", "no"]}
TYPES = {"mini_motion": ["direction", "order"], "mini_static": ["colour"], "mini_needle": ["colour", "order"]}
PER_VIDEO = 6

SECONDS = {"reason": 0.4, "clip": 0.2, "select": 0.1, "read": 0.5, "vision": 0.3, "answer": 1.0}  # of every cell, by stage


def tiny(*overrides: str) -> Study:
    """A study in the shape of the miniature, with few resamples."""
    return load_study(STUDY, overrides)


def draw(*names: object) -> float:
    """A number in [0, 1) that depends on the names only."""
    return int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:7], "big") / 2**56


def questions_of(benchmark: str) -> list[dict]:
    """Questions of every test video; needle questions have evidence."""
    rows = []
    for video in range(VIDEOS):
        for number in range(PER_VIDEO):
            kind = TYPES[benchmark][number % len(TYPES[benchmark])]
            options = OPTIONS[kind]
            start = 4 + int(80 * draw(benchmark, video, number))
            evidence = (
                [[start, start + 2]] if kind == "colour" else [[start / 2, start / 2 + 2], [start / 2 + 40, start / 2 + 43]]
            )
            rows.append(
                {
                    "question_id": f"{benchmark}-{video:03d}-{number}",
                    "video_id": f"{benchmark.removeprefix('mini_')}-test-{video:05d}",
                    "benchmark": benchmark,
                    "type": kind,
                    "question": f"What is the {kind} of shape {number} in video {video}?",
                    "options": options,
                    "answer": options[(video + number // len(TYPES[benchmark])) % len(options)],
                    "evidence": evidence if benchmark == "mini_needle" else [],
                }
            )
    return rows


def shown_under(study: Study, sampling: str, question: dict) -> tuple[list[dict], int]:
    """Frames that a sampling shows, and what they cost."""
    chosen = study.samplings[sampling]
    if isinstance(chosen, Stream):
        shown = []
        for slot in range(8):
            key = slot % (4 // chosen.keyframes_per_gop) == 0
            if key or chosen.delta != "drop":
                shown.append({"time": slot * 0.16, "kind": "I" if key else "P"})
        return shown, sum(42 if item["kind"] == "I" else 10 for item in shown)
    if isinstance(chosen, Select):
        times = sorted({int(95 * draw(sampling, question["question_id"], number)) for number in range(chosen.frames)})
        if chosen.selector == "oracle" and question["evidence"]:
            times = sorted({int(start) + 1 for start, _ in question["evidence"]} | set(times[:2]))
        return [{"time": float(time), "kind": "I"} for time in times], 12 * len(times)
    return [], 0


def cell_rows(study: Study, variant: str, sampling: str, benchmark: str, seed: int) -> list[dict]:
    """Per-question outputs of a cell with the known share right, spread evenly."""
    rows = []
    share = RIGHT.get((variant, sampling)) if benchmark != "mini_static" or sampling == "blind" else 0.98
    for question in questions_of(benchmark):
        chance = 1 / len(question["options"])
        right = draw(variant, sampling, question["question_id"], seed) < (chance if share is None else share)
        if share is None:  # blind: always the same option, so that balanced questions give chance exactly
            said = question["options"][0]
            right = said == question["answer"]
        else:
            wrong = [option for option in question["options"] if option != question["answer"]]
            said = question["answer"] if right else wrong[int(len(wrong) * draw("wrong", question["question_id"]))]
        unparsable = not right and draw("parse", variant, sampling, question["question_id"]) < 0.02
        shown, tokens = shown_under(study, sampling, question)
        rows.append(
            {
                **{
                    name: question[name]
                    for name in ("question_id", "video_id", "benchmark", "type", "question", "options", "answer")
                },
                **{"cluster": question["video_id"], "part": "", "letter": "", "answers": [], "metrics": {}, "query_text": ""},
                "prompt": f"<|im_start|>user\n{question['question']}<|im_end|>",
                "raw": "perhaps" if unparsable else said,
                "parsed": None if unparsable else said,
                "score": int(right),
                "lmms_score": float(right),
                "shown": shown,
                "visual_tokens": tokens,
                "queries": [f"a {question['type']} shape"]
                if benchmark == "mini_needle" and sampling not in ("blind", "uniform_4")
                else None,
                "seconds": round(0.01 + tokens / 10_000, 6),
            }
        )
    return rows


def write_cell(layout: Layout, variant: str, sampling: str, seed: int, benchmarks: dict[str, list[dict]]) -> None:
    """The files of one (variant, sampling, seed), with a summary that agrees with the questions."""
    folder = layout.cell(variant, sampling, seed)
    folder.mkdir(parents=True, exist_ok=True)
    summary = {}
    for benchmark, rows in benchmarks.items():
        (folder / f"{benchmark}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        correct = sum(row["score"] for row in rows)
        accuracy = correct / len(rows)
        summary[benchmark] = {
            "n": len(rows),
            "correct": correct,
            "accuracy": accuracy,
            "lmms_accuracy": accuracy,
            "agrees": True,
            "differing": 0,
            "missing_questions": 0,
        }
    (folder / "cells.json").write_text(
        json.dumps({"variant": variant, "sampling": sampling, "seed": seed, "benchmarks": summary, "seconds": SECONDS})
    )


def write_tables(study: Study, layout: Layout) -> None:
    """Video, question and quarantine tables of both worlds, and one re-encoded video."""
    rng = np.random.default_rng(0)
    for dataset in study.datasets:
        benchmarks = [name for name in TYPES if (name == "mini_needle") == (dataset == "needle")]
        questions = [row for benchmark in benchmarks for row in questions_of(benchmark)]
        videos = sorted({row["video_id"] for row in questions})
        length = 96.0 if dataset == "needle" else 1.28
        folder, codec = layout.videos(dataset), layout.codec(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        codec.mkdir(parents=True, exist_ok=True)
        table = pd.DataFrame({"video_id": videos, "split": "test", "duration": length})
        table.to_parquet(folder / "videos.parquet")
        pd.DataFrame(questions).to_parquet(folder / "questions.parquet")
        empty = pd.DataFrame({"video_id": [], "path": [], "reason": [], "detail": []}, dtype=str)
        empty.to_parquet(folder / "quarantine.parquet")
        rejected = {"video_id": ["x"], "path": ["codec/x.mp4"], "reason": ["truncated"], "detail": ["12 of 32 frames"]}
        (pd.DataFrame(rejected) if dataset == "motion" else empty).to_parquet(codec / "quarantine.parquet")
        recipe = study.recipes[study.datasets[dataset].recipe]
        path = codec / f"{videos[0]}.mp4"
        scene = rng.integers(40, 200, (24, 24, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        height, width = recipe.height or 96, recipe.width or 96
        encode_frames((scene[k % 8 : k % 8 + height, :width] for k in range(2 * recipe.gop)), path, recipe)
        manifest = {"split": "test", "path": path.relative_to(layout.root).as_posix(), "window": recipe.window, "gop": recipe.gop}
        manifest |= {"frames": 2 * recipe.gop, "width": width, "height": height}
        pd.DataFrame({"video_id": videos, **manifest}).to_parquet(codec / "videos.parquet")


def write_latency(study: Study, layout: Layout) -> None:
    """Latency figures: fewer tokens, less time."""
    costs = {"cope_1k": (144, 0.021, 0.210), "rgb_1k": (84, 0.016, 0.200), "rgb_4k": (336, 0.046, 0.250)}
    for block in study.latency:
        rows = []
        for sampling in block.samplings:
            tokens, ttft, e2e = costs[sampling]
            parts = {
                "decode_s": 0.3,
                "primitives_s": 0.1,
                "vision_s": 0.2,
                "delta_s": 0.05,
                "selection_s": 0.0,
                "reduction_s": 0.0,
                "prefill_s": 0.35,
            }
            figures = {"ttft_s": ttft, "ttft_model_s": 0.6 * ttft, "e2e_s": e2e} | {
                name: share * ttft for name, share in parts.items()
            }
            repeats = [{name: value * factor for name, value in figures.items()} for factor in (0.98, 1.0, 1.03, 0.99, 1.01)]
            rows.append(
                {
                    "variant": block.variant, "sampling": sampling, "visual_tokens": tokens, **figures,
                    "peak_memory_mb": 300 + tokens, "repeats": repeats, "device": "cpu", "cpu": "Some Processor", "threads": 1,
                    "output_tokens": block.output_tokens, "seconds": block.seconds,
                    "prefill_flops": 1e6 * tokens, "cache_bytes": 1000 * tokens,
                }
            )  # fmt: skip
        path = layout.latency(block.variant, study.seeds[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(rows))


def write_retrieval(study: Study, layout: Layout) -> None:
    """Retrieval figures of every Δ-encoder."""

    def figure(value: float) -> dict:
        return {"value": value, "low": value - 0.03, "high": value + 0.03, "n": 900, "clusters": VIDEOS}

    facts = {
        "pool": "Pool: all frames of all test videos but the query.",
        "methods": {
            "current frame": {"recall@1": figure(0.082), "recall@5": figure(0.628)},
            "Δ-encoder": {"recall@1": figure(0.133), "recall@5": figure(0.848)},
        },
        "difference": {
            "recall@1": {**figure(0.051), "low": -0.01, "high": 0.11, "p_value": 0.09},
            "recall@5": {**figure(0.22), "p_value": 0.001},
        },
    }
    for name in {study.delta_of(variant) for variant in study.variants} - {None}:
        path = layout.retrieval(str(name), study.seeds[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(facts))


def write_dialogues(study: Study, layout: Layout) -> None:
    """Conversations of every system that the study talks with: the first turn reads the video, the others do not."""
    for own in study.dialogues:
        videos: dict[str, list[dict]] = {}
        for row in cell_rows(study, own.variant, own.sampling, own.benchmark, study.seeds[0]):
            videos.setdefault(row["video_id"], []).append(row)
        recorded = []
        for video_id, rows in list(videos.items())[: own.videos]:
            turns = [
                {name: row[name] for name in ("question_id", "question", "options", "answer", "raw", "parsed", "score")}
                | {"read_tokens": 11 if number else row["visual_tokens"] + 30}
                | {"ttft_s": 0.0043 if number else 0.0415, "seconds": 0.0061 if number else 0.0437}
                for number, row in enumerate(rows[: own.turns])
            ]
            shown = {name: rows[0][name] for name in ("shown", "visual_tokens")}
            recorded.append({"video_id": video_id, **shown, "turns": turns})
        told = {"variant": own.variant, "sampling": own.sampling, "seed": study.seeds[0], "benchmark": own.benchmark}
        machine = {"device": "cpu", "cpu": "Some Processor", "threads": 1}
        path = layout.dialogue(own.variant, own.sampling, study.seeds[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**told, "digests": {"model": "0" * 64}, "machine": machine, "videos": recorded}))


def write_spool(layout: Layout) -> None:
    """Training records of three stages; the second was interrupted and resumed."""
    for stage, name, metrics in (
        ("delta", "cope", ["loss", "loss_of_copying"]),
        ("videolm", "cope", ["loss"]),
        ("videolm", "rgb", ["loss"]),
        ("sampler", "sampler", ["reward", "loss"]),
        ("joint", "msjoe", ["reward", "reward/accuracy", "reward/format"]),
    ):
        folder = layout.tracking / "spool" / stage / name / "seed0"
        folder.mkdir(parents=True, exist_ok=True)
        at = 1_700_000_000_000
        events: list[dict] = [{"at": at, "start": {"run_name": f"{stage} {name}", "params": {}, "digest": "0"}}]
        events.append(
            {"at": at + 1, "tags": {"mlflow.source.git.commit": "0123456789abcdef", "git.dirty": "false", "host": "laptop"}}
        )
        for step in range(0, 400, 10):
            noise = 0.2 * draw(stage, name, step)
            value = {
                metric: 0.2 + step / 600 + noise if "reward" in metric else 3 * np.exp(-step / 90) + noise for metric in metrics
            }
            events.append({"at": at + 100 * step, "step": step, "metrics": value})
        events.append({"at": at + 40_000, "end": "FINISHED"})
        (folder / "000.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def write_results(study: Study, layout: Layout) -> None:
    """A whole results folder."""
    write_tables(study, layout)
    for (variant, sampling), benchmarks in study.evaluations().items():
        for seed in study.seeds:
            rows = {benchmark: cell_rows(study, variant, sampling, benchmark, seed) for benchmark in benchmarks}
            write_cell(layout, variant, sampling, seed, rows)
    write_latency(study, layout)
    write_retrieval(study, layout)
    write_dialogues(study, layout)
    write_spool(layout)


if __name__ == "__main__":
    import sys

    write_results(tiny(), Layout(Path(sys.argv[1])))
