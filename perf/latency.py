"""Time to first token of CoPE's key frames and Δ-tokens beside that of 64 key frames: same model, same clip, one run (Fig. 4a).

    python perf/latency.py --json perf/measured/latency.json
    python perf/latency.py --shape 7b --device cuda

A clip of 64 s is encoded to the paper study's recipe (30 FPS, GOP 240, s = 30); every sampling is timed from the file on disk to
the tokens, so that decoding and extracting primitives are inside, and shown. Weights are random: what the model answers means
nothing, the time it takes is real. `7b` is LLaVA-Video-7B's shape in bf16, for a GPU. `half` has its tower's input and patches
(729 per frame), half its width, and all else so much smaller that a CPU can run it: per frame its Δ-encoder takes 2.9 % of its
tower's FLOPs (the real ones: 2.8 %), and its prefill no longer than its tower, where the real one takes several times as long.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from framethrift.config import Layout, Study, load_study
from framethrift.config.cells import Latency
from framethrift.config.models import Models
from framethrift.config.study import merge
from framethrift.evaluation.loading import Loaded
from framethrift.latency.clip import timed_clip
from framethrift.latency.measure import FIGURES, timings
from framethrift.memory import keep_freed_memory
from framethrift.models.configuration import build_config
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import cut_config
from framethrift.progress import Progress

BASELINE, SECONDS = "uniform_64", 64.0
PAPER = {"cope_1k": 0.33 / 2.39, "cope_2k": 0.51 / 2.39, "cope_4k": 0.90 / 2.39}  # seconds of Fig. 4a
SHAPES: dict[str, dict[str, dict[str, Any]]] = {
    "7b": {},  # the paper study's own
    "half": {
        "vision": {"hidden_size": 576, "intermediate_size": 2152, "layers": 8, "heads": 8},
        "language": {"hidden_size": 640, "intermediate_size": 2560, "layers": 3, "heads": 10, "kv_heads": 2, "vocabulary": 2048},
        "delta_encoder": {"width": 72, "layers": 4, "heads": 9, "trunk_widths": [16, 32, 64]},
    },
    "mini": {
        "vision": {"hidden_size": 64, "intermediate_size": 128, "layers": 2, "heads": 2},
        "language": {"hidden_size": 64, "intermediate_size": 128, "layers": 2, "heads": 2, "kv_heads": 1, "vocabulary": 2048},
        "delta_encoder": {"width": 36, "layers": 1, "heads": 9, "trunk_widths": [8, 8, 8], "trunk_depths": [1, 1, 1]},
    },
}


def shaped(shape: str) -> Study:
    """The paper study with models of `shape`, none of them loaded from anywhere."""
    study = load_study("paper")
    own = {part: {"source": None, **SHAPES[shape].get(part, {})} for part in ("vision", "language")}
    own["delta_encoder"] = SHAPES[shape].get("delta_encoder", {})
    return study.model_copy(update={"models": Models.model_validate(merge(study.models.model_dump(), own))})


def random_model(study: Study, device: str, half_precision: bool) -> Loaded:
    """The study's VideoLM with random weights, ready to be timed."""
    tokenizer = build_tokenizer(["what happens in the video ?"], 300)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if half_precision else torch.float32)
    try:
        torch.manual_seed(0)
        with torch.device(device):
            model = CopeVideoForConditionalGeneration(build_config(study.models, cut_config(study.models.vision), tokenizer))
    finally:
        torch.set_default_dtype(default)
    processor = CopeVideoProcessor.of(study.models, tokenizer)
    return Loaded(model.eval().requires_grad_(False), processor, study.training.key_frames, {})


def measure(shape: str, device: str, samplings: list[str], repeats: int, output_tokens: int) -> dict[str, Any]:
    """Medians of every sampling, its ratio to the baseline's, and the paper's."""
    study, load = shaped(shape), round(os.getloadavg()[0], 2)
    loaded = random_model(study, device, half_precision=shape == "7b")
    timed = Latency(
        variant="cope", samplings=[*samplings, BASELINE], output_tokens=output_tokens, seconds=SECONDS, repeats=repeats
    )
    with (
        tempfile.TemporaryDirectory(prefix="framethrift-") as scratch,
        Progress("latency", (repeats + 1) * (len(samplings) + 1), "runs") as progress,
    ):
        clip = timed_clip(Path(scratch), study.recipes["cope"], SECONDS)
        entries = timings(study, Layout(scratch), loaded, timed, clip, progress)
    found = {entry["sampling"]: entry for entry in entries}
    machine = {name: entries[0][name] for name in ("cpu", "cores", "device", "threads", "torch", "system", "dtype")}
    kept = ("i_frames", "p_frames", "visual_tokens", *FIGURES, "peak_memory_mb")
    return {
        "shape": shape,
        "models": {
            name: getattr(study.models, name).model_dump(mode="json", exclude={"source"})
            for name in ("vision", "language", "delta_encoder")
        },
        "parameters": {name: sum(p.numel() for p in part.parameters()) for name, part in loaded.model.named_children()},
        "clip": {"seconds": SECONDS, "pixels": [640, 360], "recipe": study.recipes["cope"].model_dump(mode="json")},
        "machine": machine | {"load_before": load},
        "repeats": repeats,
        "samplings": {name: {figure: entry[figure] for figure in kept} for name, entry in found.items()},
        "ttft_ratio": {name: found[name]["ttft_s"] / found[BASELINE]["ttft_s"] for name in samplings},
        "paper_ratio": {name: PAPER[name] for name in samplings},
        "every_ttft_s": {name: [run["ttft_s"] for run in entry["repeats"]] for name, entry in found.items()},
    }


def main() -> None:
    """Measure and print; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="half")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--samplings", nargs="+", choices=sorted(PAPER), default=list(PAPER), help=f"timed beside {BASELINE}")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each sampling, after one that is not counted")
    parser.add_argument("--output-tokens", type=int, default=64)
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    keep_freed_memory()  # as every command does
    text = json.dumps(
        measure(chosen.shape, chosen.device, chosen.samplings, chosen.repeats, chosen.output_tokens), indent=1, ensure_ascii=False
    )
    print(text)
    if chosen.json:
        chosen.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
