"""How long choosing frames takes: an hour of video, every selector, the sampler network, rollouts, embedding.

    python perf/selection.py --quick
    python perf/selection.py --json perf/measured/selection.json

An hour at 1 FPS is 3600 candidates; embeddings have CLIP ViT-L/14's width (768), four queries score them, 32 frames are chosen.
The sampler is the paper-size one (about 2M parameters). Weights are random: the choices mean nothing, the time is real. Rollouts
are those of the miniature's VideoLM: G query texts of 16 questions behind one prefill each, beside G generations with a prefill
of their own, one after another and as one batch. Seconds are processor time on one thread, the least of the repeats, unless
named wall: other work on the machine must not count.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from framethrift.codec import encode_frames
from framethrift.config import Layout, load_study
from framethrift.config.models import Clip, Models, Sampler
from framethrift.config.recipe import Recipe
from framethrift.latency.machine import machine_facts
from framethrift.memory import keep_freed_memory
from framethrift.models import clip_cache
from framethrift.models.clip import ClipScorer, build_clip, similarity
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.completions import Prompt, Writing, complete
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import QUERY_TOKENS, query_prompt
from framethrift.models.sampler import UNetSampler
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.tspo import TspoAgent
from framethrift.models.vision import build_siglip
from framethrift.selectors import SELECTORS, SelectorInput, select
from framethrift.tokens import StreamItem

HOUR, WIDTH, QUERIES, FRAMES, GROUP = 3600, 768, 4, 32, 8
SELECT_LIMIT_S, SAMPLER_LIMIT_S, ROLLOUT_LIMIT = 0.050, 0.005, 3.0
TEXTS = ["what colour is the square ?", "did the red disc come before the blue ring ?", "a red disc", "a square"]


def seconds(call: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time) -> float:
    """Least time of `call` after one that is not counted: processor time, which other work on the machine does not lengthen."""
    call()
    found = []
    for _ in range(repeats):
        began = clock()
        call()
        found.append(clock() - began)
    return min(found)


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    drawn = rng.normal(size=(rows, WIDTH)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def hour(folder: Path, repeats: int) -> dict[str, float]:
    """Choosing 32 frames of an hour whose embeddings are cached: reading and checking the cache, cosines, weights, selection."""
    rng = np.random.default_rng(0)
    times, frames, queries = np.arange(float(HOUR)), unit(rng, HOUR).astype(np.float16), unit(rng, QUERIES)
    entry = folder / "hour.npz"
    clip_cache._write(entry, times, frames, "key")
    unet, agent = UNetSampler(Sampler()).eval(), TspoAgent(Models().tspo, WIDTH).eval()
    cosines = similarity(queries, frames)
    found = {
        "cache_s": seconds(lambda: clip_cache._read(entry, "key"), repeats),
        "cosines_s": seconds(lambda: similarity(queries, frames), repeats),
    }
    networks = {"msjoe": unet, "tspo": agent}

    def choose(name: str) -> None:
        weights = networks[name].weights(cosines, queries, frames) if name in networks else None
        scores, evidence = cosines.astype(np.float64), [(600.0, 620.0), (2400.0, 2500.0)]
        rng = np.random.default_rng(0)
        select(name, SelectorInput(times, scores, "", FRAMES, rng, evidence, weights, packet_bytes=times, ranked=times))

    found |= {f"{name}_s": seconds(partial(choose, name), repeats) for name in SELECTORS}
    # TSPO caps its candidates at 128; here its agent of width 768 reads all 3600.
    slowest = max(found[f"{name}_s"] for name in SELECTORS if name != "tspo")
    found["slowest_whole_but_tspo_s"] = found["cache_s"] + found["cosines_s"] + slowest
    found["msjoe_whole_s"] = found["cache_s"] + found["cosines_s"] + found["msjoe_s"]
    return found


def sampler(repeats: int) -> dict[str, float]:
    """The paper-size U-Net's forward pass over an hour, on one thread and on all, and how fast a core multiplies matrices."""
    network, given, matrix = UNetSampler(Sampler()).eval(), torch.rand(1, QUERIES, HOUR), torch.rand(512, 512)
    with FlopCounterMode(display=False) as counter:
        network(given)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    found: dict[str, float] = {"parameters": parameters, "mflop": counter.get_total_flops() / 1e6}
    cores, repeats = len(os.sched_getaffinity(0)), 10 * repeats
    with torch.inference_mode():
        found["core_gflops"] = 2 * 512**3 / seconds(lambda: matrix @ matrix, repeats) / 1e9
        found["one_thread_s"] = seconds(lambda: network(given), repeats)
        found["one_thread_wall_s"] = seconds(lambda: network(given), repeats, time.perf_counter)
        torch.set_num_threads(cores)
        found[f"wall_on_{cores}_cores_s"] = seconds(lambda: network(given), repeats, time.perf_counter)
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        network, given = network.cuda(), given.cuda()

        def on_gpu() -> None:
            network(given)
            torch.cuda.synchronize()

        with torch.inference_mode():
            found["gpu_s"] = seconds(on_gpu, repeats, time.perf_counter)
    return found


def rollouts(folder: Path, repeats: int) -> dict[str, float]:
    """Query texts of 16 questions with 2 and with 16 previews: behind one prefill, and with G prefills."""
    study = load_study("mini")
    tokenizer = build_tokenizer([*TEXTS, query_prompt(TEXTS[0])], study.models.language.vocabulary)
    build_siglip(study.models.vision, len(tokenizer), seed=0).save_pretrained(folder / "vision")
    model = build_videolm(study.models, folder / "vision", tokenizer, None, 0).eval().requires_grad_(False)
    processor = CopeVideoProcessor.of(study.models, tokenizer)
    found: dict[str, float] = {}
    for previews in (2, 16):
        stream = processor.expand([StreamItem("I", 0, 0, 0.0)] * previews, [3] * previews)
        ids = (*processor.prefix_ids(stream), *processor.question_ids(query_prompt(TEXTS[0])))
        prompts = [Prompt(ids, shown) for shown in torch.randn(16, previews, 9, study.models.language.hidden_size)]
        own = rollout_seconds(model, prompts, tokenizer.pad_token_id, max(1, repeats // 5))
        found |= {f"previews_{previews}_{name}": value for name, value in own.items()} | {f"previews_{previews}_tokens": len(ids)}
    return found


def rollout_seconds(
    model: CopeVideoForConditionalGeneration, prompts: list[Prompt], pad_id: int, repeats: int
) -> dict[str, float]:
    """Seconds of G completions of each prompt, in three ways; none ends early."""

    def write(asked: list[Prompt], samples: int, seed: int) -> None:
        complete(model, asked, Writing(QUERY_TOKENS // 4, pad_id, -1, samples, 1.0, torch.Generator().manual_seed(seed)))

    def independent() -> None:
        for prompt in prompts:
            for seed in range(GROUP):
                write([prompt], 1, seed)

    shared = seconds(lambda: write(prompts, GROUP, 0), repeats)
    others = {
        "batch": seconds(lambda: write([prompt for prompt in prompts for _ in range(GROUP)], 1, 0), repeats),
        "independent": seconds(independent, 1),
    }
    return (
        {"shared_s": shared}
        | {f"{name}_s": own for name, own in others.items()}
        | {f"ratio_to_{name}": own / shared for name, own in others.items()}
    )


def embed(minutes: int) -> None:
    """Embed so many minutes of 640 x 360 video at 1 FPS and print the peak memory: run as a process of its own."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="framethrift-") as scratch:
        layout = Layout(Path(scratch) / "results" / "hour")
        layout.codec("long").mkdir(parents=True)
        base = rng.integers(0, 255, (360, 640, 3), dtype=np.uint8)
        frames = (np.roll(base, number, axis=1) for number in range(60 * minutes))
        encode_frames(frames, layout.codec("long") / "a.mp4", Recipe(fps=1, gop=8, window=1, width=640, height=360, quantiser=31))
        settings = Clip(embed_dim=64, image_size=224, patch_size=32, width=64, layers=1, heads=2, text_width=64, text_layers=1)
        scorer = ClipScorer.of(build_clip(settings, build_tokenizer(TEXTS, 400), seed=0), settings, build_tokenizer(TEXTS, 400))
        began = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        times, found = FrameEmbeddings(scorer, layout, "long", 1.0).get("a", "codec/long/a.mp4", "digest")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        facts = {"frames": len(times), "rows": len(found), "seconds": time.perf_counter() - began}
        print(json.dumps(facts | {"before_mb": before / 1024, "peak_mb": peak / 1024}))


def memory(quick: bool) -> dict[str, Any]:
    """Peak memory of embedding a tenth of the video and all of it, each in a process of its own."""
    whole = 12 if quick else 60
    found: dict[str, Any] = {}
    for minutes in (whole // 10 or 1, whole // 2, whole):
        command = [sys.executable, __file__, "--embed", str(minutes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[f"minutes_{minutes}"] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats, a shorter video")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--embed", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    if chosen.embed:
        embed(chosen.embed)  # its peaks are compared: what was freed and kept must not count
        return
    keep_freed_memory()  # as every command does
    repeats = 5 if chosen.quick else 15
    with tempfile.TemporaryDirectory(prefix="framethrift-") as scratch:
        figures: dict[str, Any] = {
            "hour": hour(Path(scratch), repeats),
            "sampler": sampler(repeats),
            "rollouts": rollouts(Path(scratch), repeats),
            "memory": memory(chosen.quick),
        }
    peaks = [own["peak_mb"] for own in figures["memory"].values()]
    figures["bars"] = {
        "selection_of_an_hour": figures["hour"]["slowest_whole_but_tspo_s"] <= SELECT_LIMIT_S,
        "sampler_forward": min(value for name, value in figures["sampler"].items() if name.endswith("_s")) <= SAMPLER_LIMIT_S,
        "rollouts": figures["rollouts"]["previews_2_ratio_to_independent"] >= ROLLOUT_LIMIT,
        "bounded_memory": peaks[-1] <= 1.05 * peaks[-2],
    }
    figures["machine"] = machine_facts(torch.device("cpu"))
    text = json.dumps(figures, indent=1)
    print(text)
    if chosen.json:
        chosen.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
