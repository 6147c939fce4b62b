"""How long reducing tokens takes, beside the prefill that it saves, on the same machine in the same run.

    python perf/reducers.py --quick
    python perf/reducers.py --threads 1 --json perf/measured/reducers.json     # one core is enough for every limit

The video is 64 frames of 14 x 14 tokens in which two dozen things drift over a still background, with noise and a cut every 16
frames. The prefill is that of a Qwen2 of 0.5B parameters (24 layers of width 896) in float32: one of its layers is timed on all
tokens and on those kept, times 24. Two operations whose released code is quadratic Python are timed alone, at SigLIP's width
1152.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Qwen2Config, Qwen2Model

from framethrift.latency.machine import machine_facts
from framethrift.reducers import REDUCERS, reduce
from framethrift.reducers.flash_vstream import weighted_clusters
from framethrift.reducers.llava_scissor import EPSILON, Components
from framethrift.reducers.pooling import pool_frames
from framethrift.reducers.protocol import ReducerInput

GRID = (14, 14)
LAYERS, WIDTH, SIGLIP = 24, 896, 1152
# Those that work on similarities of many pairs; the others look at every token a few times.
QUADRATIC = ("llava_scissor", "longvlm")
LIMIT_S, LIMIT_SHARE = 1.0, 0.10


def drifting(frames: int, width: int, share: float = 0.25) -> ReducerInput:
    """A video of 24 things of 3 x 3 to 6 x 6 tokens over a background of four areas."""
    rng = np.random.default_rng(0)
    rows, columns = GRID
    shown = np.empty((frames, rows * columns, width), np.float32)
    for frame in range(frames):
        if frame % 16 == 0:
            things = rng.normal(size=(28, width)).astype(np.float32)
            places, speeds = rng.uniform(0, rows, (24, 2)), rng.normal(0, 0.3, (24, 2))
            sizes = rng.integers(3, 7, (24, 2))
        of = 24 + (np.arange(rows) >= rows // 2)[:, None] * 2 + (np.arange(columns) >= columns // 2)
        for number in range(24):
            top, left = ((places[number] + speeds[number] * (frame % 16)) % rows).astype(int)
            of[top : top + sizes[number][0], left : left + sizes[number][1]] = number
        shown[frame] = things[of.ravel()] + 0.25 * rng.normal(size=(rows * columns, width)).astype(np.float32)
    generator = torch.Generator().manual_seed(0)

    def words(text: str) -> Tensor:
        return torch.randn((len(text.split()), width), generator=torch.Generator().manual_seed(len(text)))

    return ReducerInput(
        tokens=torch.from_numpy(shown),
        timestamps=list(range(frames)),
        grid=GRID,
        share=share,
        question=words("what is it ?"),
        words=words,
        attention=torch.rand((frames, rows * columns), generator=generator),
        keys=torch.randn((frames, rows * columns, SIGLIP), generator=generator),
    )


def best(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least seconds of `repeats` runs after one that warms up, and the last result."""
    result = run()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - began)
    return min(seconds), result


@torch.no_grad()
def layer_seconds(tokens: int, repeats: int = 1) -> float:
    """Seconds of one decoder layer over a causal sequence."""
    config = Qwen2Config(
        vocab_size=8,
        hidden_size=WIDTH,
        intermediate_size=4864,
        num_hidden_layers=1,
        num_attention_heads=14,
        num_key_value_heads=2,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    model = Qwen2Model(config).eval()
    return best(lambda: model(inputs_embeds=torch.randn(1, tokens, WIDTH), use_cache=False), repeats)[0]


def methods(frames: int, share: float, repeats: int) -> tuple[dict[str, Any], float]:
    """Per method its seconds, tokens and seconds over those of the prefill it saves; and the full prefill's seconds."""
    given = drifting(frames, WIDTH, share)
    full = layer_seconds(frames * GRID[0] * GRID[1])
    kept_seconds: dict[int, float] = {}
    found = {}
    for name in REDUCERS:
        seconds, reduced = best(lambda name=name: reduce(name, given), 1 if name in QUADRATIC else repeats)
        near = max(64, round(reduced.count, -2))
        if near not in kept_seconds:
            kept_seconds[near] = layer_seconds(near)
        saved = LAYERS * (full - kept_seconds[near])
        found[name] = {
            "seconds": seconds,
            "tokens": reduced.count,
            "share": reduced.count / (frames * given.per_frame),
            "of_saved_prefill": seconds / saved,
            "vectorised": name not in QUADRATIC,
            "knobs": reduced.knobs,
        }
    return found, LAYERS * full


def operations(frames: int, repeats: int) -> dict[str, float]:
    """Seconds of LLaVA-Scissor (components alone, and whole) at its published thresholds, and of Flash-VStream's k-means."""
    given = drifting(frames, SIGLIP)
    small = pool_frames(given.tokens, GRID, (7, 7)).flatten(1)
    found = {"flash_vstream_kmeans": best(lambda: weighted_clusters(small, max(2, frames // 2), 0), repeats)[0]}
    for threshold in (0.9, 0.95):
        name = f"llava_scissor_components_{threshold}"
        found[name] = best(lambda threshold=threshold: Components(given, EPSILON).at(threshold), repeats)[0]
        whole = best(lambda threshold=threshold: reduce("llava_scissor", given, threshold=threshold), repeats)
        found[f"llava_scissor_{threshold}"], found[f"llava_scissor_{threshold}_tokens"] = whole[0], whole[1].count
    return found


def main() -> int:
    """Measure, print, write where asked; 1 where a stated limit is missed (never with --quick, which is too small to tell)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="8 frames instead of 64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    load = os.getloadavg()[0]
    frames, repeats = (8, 1) if arguments.quick else (64, 3)
    share = 0.25
    found, prefill = methods(frames, share, repeats)
    alone = operations(frames, repeats)
    result = {
        "conditions": {
            "frames": frames,
            "tokens": frames * GRID[0] * GRID[1],
            "share": share,
            "prefill_model": f"Qwen2, {LAYERS} layers of width {WIDTH}, float32, one layer timed",
            "prefill_s": prefill,
            **machine_facts(torch.device("cpu")),
            "python": platform.python_version(),
            "load_before_and_after": [load, os.getloadavg()[0]],
        },
        "methods": found,
        "operations": alone,
    }
    print(f"prefill of all {frames * GRID[0] * GRID[1]} tokens: {prefill:.1f} s")
    for name, figures in found.items():
        ratio = f"{figures['of_saved_prefill']:.2%} of the prefill it saves"
        print(f"{name:16s} {1e3 * figures['seconds']:9.1f} ms  {figures['share']:6.1%} kept  {ratio}")
    for name, seconds in alone.items():
        print(f"{name:36s} {seconds:.2f}{'' if name.endswith('tokens') else ' s'}")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    late = [name for name, figures in found.items() if figures["vectorised"] and figures["of_saved_prefill"] > LIMIT_SHARE]
    late += [name for name, seconds in alone.items() if ("components" in name or "kmeans" in name) and seconds > LIMIT_S]
    for name in late:
        print(f"{name}: slower than stated", file=sys.stderr)
    return 1 if late and not arguments.quick else 0


if __name__ == "__main__":
    sys.exit(main())
