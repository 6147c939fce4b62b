"""The published figures of perf/latency.py: CoPE's bar on a CPU, with what was inside the time."""

import json
from pathlib import Path

import pytest

MEASURED = json.loads((Path(__file__).parents[2] / "perf/measured/latency.json").read_text(encoding="utf-8"))


def test_one_key_frame_per_gop_gives_the_first_token_in_a_fifth_of_the_time() -> None:
    shown, baseline = (MEASURED["samplings"][name] for name in ("cope_1k", "uniform_64"))
    assert (shown["i_frames"], shown["p_frames"], shown["visual_tokens"]) == (8, 56, 2240)
    assert (baseline["i_frames"], baseline["p_frames"], baseline["visual_tokens"]) == (64, 0, 13_440)
    ratio = MEASURED["ttft_ratio"]["cope_1k"]
    assert ratio == pytest.approx(shown["ttft_s"] / baseline["ttft_s"]) and ratio <= 0.2
    # Extracting primitives is inside the time, and stated; so is everything else.
    parts = ("decode_s", "primitives_s", "vision_s", "delta_s", "prefill_s")
    assert shown["primitives_s"] > 0 and baseline["primitives_s"] == 0
    assert sum(shown[part] for part in parts) == pytest.approx(shown["ttft_s"], rel=0.05)


def test_the_shape_and_the_machine_are_stated() -> None:
    vision = MEASURED["models"]["vision"]
    assert (vision["image_size"] // vision["patch_size"]) ** 2 == 729  # SigLIP-so400m's patches
    assert set(MEASURED["machine"]) >= {"cpu", "cores", "threads", "torch", "load_before"}
    assert MEASURED["clip"]["seconds"] == 64 and MEASURED["clip"]["recipe"]["window"] == 30
