"""How long a report takes from finished results, how large its pages are, and how fast a drill-down opens in a browser.

    python perf/report.py --quick
    python perf/report.py --json perf/measured/report.json

The results are made up: `wide` is `small` with all its cells, token reducers at four budgets among them, and three seeds; `long`
one benchmark with a hundred thousand answers. Opening is timed in headless Chromium, from setting a frame's address to the first
questions drawn with their answers; the files are in the system's cache.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import torch

from framethrift.codec import encode_frames
from framethrift.config import Layout, Study, load_study
from framethrift.config.sampling import Select, Stream
from framethrift.latency.machine import machine_facts
from framethrift.progress import Progress
from framethrift.reporting import render_report

LIMIT_OPEN_S, LIMIT_PAGE_MB = 1.0, 5.0
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --allow-file-access-from-files"
PROBE = """<!DOCTYPE html><body><iframe width="1280" height="900"></iframe><script>
const frame = document.querySelector("iframe");
const began = performance.now();
const look = () => {
  const page = frame.contentDocument;
  const answered = page && page.querySelector("#asked .said");
  if (!answered) return setTimeout(look, 5);
  const told = new URLSearchParams({ms: performance.now() - began, text: page.getElementById("count").textContent});
  fetch(`http://127.0.0.1:%d/?${told}`, {mode: "no-cors"});
};
frame.src = "file://%s";
look();
</script>"""
OPTIONS = {"direction": ["up", "down", "left", "right"], "colour": ["red", "green", "blue", "white"], "order": ["yes", "no"]}


def questions_of(benchmark: str, videos: int, per_video: int) -> list[dict[str, Any]]:
    """Questions of every test video; those of the needle world have evidence."""
    kinds = {"mini_motion": ["direction", "order"], "mini_static": ["colour"], "mini_needle": ["colour", "order"]}[benchmark]
    rows = []
    for video in range(videos):
        for number in range(per_video):
            kind = kinds[number % len(kinds)]
            start = (7 * video + 13 * number) % 80
            rows.append(
                {
                    "question_id": f"{benchmark}-{video:05d}-{number}",
                    "video_id": f"{benchmark.removeprefix('mini_')}-test-{video:05d}",
                    "benchmark": benchmark,
                    "type": kind,
                    "question": f"what is the {kind} of thing {number} in video {video} ?",
                    "options": OPTIONS[kind],
                    "answer": OPTIONS[kind][(video + number) % len(OPTIONS[kind])],
                    "evidence": [[start, start + 2]] if benchmark == "mini_needle" else [],
                }
            )
    return rows


def write_cell(study: Study, layout: Layout, row: tuple[str, str], seed: int, questions: dict[str, list[dict[str, Any]]]) -> None:
    """Per-question files of one (variant, sampling, seed): right with a probability that depends on its names."""
    variant, sampling = row
    rng = np.random.default_rng([seed, *f"{variant} {sampling}".encode()])
    share, folder = (
        0.3 + 0.6 * float(np.random.default_rng(list(f"{variant} {sampling}".encode())).random()),
        layout.cell(*row, seed),
    )
    chosen = study.samplings[sampling]
    folder.mkdir(parents=True, exist_ok=True)
    summary = {}
    for benchmark, asked in questions.items():
        lines, correct = [], 0
        for question in asked:
            right = bool(rng.random() < share)
            said = question["answer"] if right else next(word for word in question["options"] if word != question["answer"])
            parsed = said if right or rng.random() < 0.9 else None
            shown: list[dict[str, Any]] = []
            if isinstance(chosen, Stream):
                shown = [{"time": 0.16 * k, "kind": "I" if k % 4 == 0 else "P"} for k in range(8)]
            elif isinstance(chosen, Select):
                times = [12, 36, 60, 84] if chosen.selector == "uniform" else sorted(rng.choice(96, chosen.frames, replace=False))
                shown = [{"time": float(time), "kind": "I"} for time in times]
            reducer = getattr(chosen, "reducer", None)
            tokens = round(12 * len(shown) * (reducer.share if reducer else 1))
            correct += right
            facts = {name: question[name] for name in question if name != "evidence"}
            lines.append(
                json.dumps(
                    facts
                    | {"cluster": question["video_id"], "part": "", "metrics": {}, "raw": said if parsed else "perhaps"}
                    | {"prompt": f"<|im_start|>user\n{question['question']}<|im_end|>", "parsed": parsed, "score": int(right)}
                    | {"lmms_score": float(right), "shown": shown, "visual_tokens": tokens, "queries": None}
                    | {"seconds": round(0.002 + 0.0002 * tokens, 6)}
                )
            )
        (folder / f"{benchmark}.jsonl").write_text("\n".join(lines) + "\n")
        summary[benchmark] = {"n": len(asked), "correct": correct, "accuracy": correct / len(asked)}
    (folder / "cells.json").write_text(json.dumps({"benchmarks": summary}))


def write_results(study: Study, layout: Layout, videos: int, per_video: int) -> int:
    """A results folder of the study; returns the number of answers in it."""
    asked = {name: questions_of(name, videos, per_video) for name in ("mini_motion", "mini_static", "mini_needle")}
    rng = np.random.default_rng(0)
    for dataset, settings in study.datasets.items():
        questions = [row for name, rows in asked.items() if (name == "mini_needle") == (dataset == "needle") for row in rows]
        table = pd.DataFrame({"video_id": sorted({row["video_id"] for row in questions}), "split": "test"})
        recipe, folder, codec = study.recipes[settings.recipe], layout.videos(dataset), layout.codec(dataset)
        frames = round(recipe.fps * (96 if dataset == "needle" else 1.28))
        for place in (folder, codec):
            place.mkdir(parents=True, exist_ok=True)
            pd.DataFrame({"video_id": [], "path": [], "reason": [], "detail": []}, dtype=str).to_parquet(
                place / "quarantine.parquet"
            )
        table.assign(duration=frames / recipe.fps).to_parquet(folder / "videos.parquet")
        pd.DataFrame(questions).to_parquet(folder / "questions.parquet")
        size = (recipe.height or 96, recipe.width or 96)
        scene = rng.integers(40, 200, (30, 30, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
        encode_frames((scene[k % 96 : k % 96 + size[0], : size[1]] for k in range(frames)), codec / "all.mp4", recipe)
        facts = {"path": f"codec/{dataset}/all.mp4", "window": recipe.window, "gop": recipe.gop, "frames": frames}
        table.assign(**facts, width=size[1], height=size[0]).to_parquet(codec / "videos.parquet")
    answers = 0
    for row, benchmarks in study.evaluations().items():
        for seed in study.seeds:
            write_cell(study, layout, row, seed, {name: asked[name] for name in benchmarks})
            answers += sum(len(asked[name]) for name in benchmarks)
    return answers


def opened(page: str, repeats: int) -> dict[str, Any]:
    """Milliseconds until the page (a path, perhaps with a fragment) shows its first answered question; and what it counts."""
    found: list[dict[str, list[str]]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(parse_qs(urlsplit(self.path).query))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    times, text = [], ""
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as home:
            probe = Path(home, "probe.html")
            probe.write_text(PROBE % (server.server_port, page))
            found.clear()
            command = [
                str(CHROMIUM),
                *FLAGS.split(),
                f"--user-data-dir={home}/profile",
                "--remote-debugging-port=0",
                f"file://{probe}",
            ]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": home})
            try:
                deadline = time.monotonic() + 60
                while not found:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{page} showed no question within a minute")
                    time.sleep(0.05)
            finally:
                process.terminate()
                process.wait()
            times.append(float(found[0]["ms"][0]))
            text = found[0]["text"][0]
    server.shutdown()
    return {"ms": times, "median_ms": float(np.median(times)), "counts": text}


def sizes(report: Path) -> dict[str, Any]:
    """Bytes of the pages and of all there is."""
    pages = {path.relative_to(report).as_posix(): path.stat().st_size for path in report.rglob("*.html")}
    largest = max(pages, key=lambda name: pages[name])
    files = [path for path in report.rglob("*") if path.is_file()]
    return {
        "pages": len(pages),
        "largest_page": largest,
        "largest_page_mb": pages[largest] / 1e6,
        "files": len(files),
        "mb": sum(path.stat().st_size for path in files) / 1e6,
    }


def cases(quick: bool) -> Iterator[tuple[str, dict[str, Any], Study, Layout, int]]:
    """Made-up studies, each in a folder of its own: name, facts, study, layout, answers."""
    plans = {
        "wide": {"videos": 20 if quick else 200, "per_video": 5},
        "long": {"videos": 40 if quick else 1000, "per_video": 25},
    }
    for name, plan in plans.items():
        with tempfile.TemporaryDirectory() as folder:
            study = load_study("small")
            if name == "long":  # four systems, one seed
                rows = {
                    "variants": ["mllm"],
                    "samplings": ["uniform_4", "top_k_4", "aks_4", "blind"],
                    "benchmarks": ["mini_needle"],
                }
                raw = study.model_dump(mode="json") | {"seeds": [0], "cells": [rows], "arena": None, "latency": []}
                study = Study.model_validate(raw)
            layout = Layout(Path(folder) / "results" / study.name)
            answers = write_results(study, layout, plan["videos"], plan["per_video"])
            yield name, plan, study, layout, answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small made-up results, a minute")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--keep", type=Path, help="copy the rendered reports here")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"conditions": machine_facts(torch.device("cpu")) | {"python": platform.python_version()}}
    for name, plan, study, layout, answers in cases(arguments.quick):
        began, worked = time.perf_counter(), time.process_time()
        sources = render_report(study, layout, layout.report, Progress("report", unit="parts"), revision="made up")
        facts = plan | {"answers": answers, "cells": len(sources.results.cells), "render_s": time.perf_counter() - began}
        facts |= {"render_cpu_s": time.process_time() - worked, "load_average": os.getloadavg()[0]}
        facts |= sizes(layout.report)
        if CHROMIUM:
            facts["drill_down"] = opened(
                f"{layout.report}/questions/mini_needle.html#cell=mllm__top_k_4", 1 if arguments.quick else 5
            )
        if arguments.keep:
            shutil.copytree(layout.report, arguments.keep / name, dirs_exist_ok=True)
        found[name] = facts
        print(json.dumps({name: facts}, indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    slow = [name for name in found if found[name].get("drill_down", {}).get("median_ms", 0) > 1000 * LIMIT_OPEN_S]
    large = [name for name in found if found[name].get("largest_page_mb", 0) > LIMIT_PAGE_MB]
    if slow or large:
        raise SystemExit(f"above the limits: opening {slow}, page size {large}")


if __name__ == "__main__":
    main()
