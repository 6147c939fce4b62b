"""Latency figures: their parts, their order, and what is timed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from framethrift.codec import probe, read_frames
from framethrift.config.cells import Latency
from framethrift.config.recipe import Recipe
from framethrift.evaluation import answering
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.latency import measure
from framethrift.latency.clip import timed_clip
from framethrift.latency.machine import MemoryPeak, machine_facts
from framethrift.latency.measure import FIGURES, PARTS, measure_latency
from framethrift.memory import keep_freed_memory


def test_every_sampling_is_timed_with_its_parts(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    measure_latency(study, layout, "cope", 0)
    entries = {entry["sampling"]: entry for entry in json.loads(layout.latency("cope", 0).read_text(encoding="utf-8"))}
    assert list(entries) == ["cope", "drop", "blind"]
    for entry in entries.values():
        assert len(entry["repeats"]) == 2 and entry["output_tokens"] == 4 and entry["seconds"] == 2
        for run in entry["repeats"]:
            assert 0 < run["ttft_model_s"] <= run["ttft_s"] < run["e2e_s"]
            assert all(run[part] >= 0 for part in PARTS)
            assert sum(run[part] for part in PARTS) <= run["ttft_s"]
        assert all(entry[name] == pytest.approx(np.median([run[name] for run in entry["repeats"]])) for name in FIGURES)
        assert (entry["variant"], entry["device"], entry["threads"]) == ("cope", "cpu", torch.get_num_threads())
        assert entry["peak_memory_mb"] is None or entry["peak_memory_mb"] > 50
    # 2 s at 25 FPS are 50 frames: six GOPs of 8 and one of 2, which has no second slot.
    assert (entries["cope"]["i_frames"], entries["cope"]["p_frames"]) == (7, 6)
    assert entries["cope"]["visual_tokens"] == 7 * 20 + 6 * 6 and entries["drop"]["visual_tokens"] == 7 * 20
    # Decoding alone is timed by a second reading: where the machine is busy, it may take as long as the first.
    assert entries["cope"]["primitives_s"] >= 0 == entries["drop"]["primitives_s"]
    assert entries["cope"]["delta_s"] > 0 == entries["drop"]["delta_s"]
    assert entries["blind"]["visual_tokens"] == entries["blind"]["decode_s"] == entries["blind"]["vision_s"] == 0


def test_samplings_take_turns_and_answers_have_the_asked_length(tiny, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    steps_taken: list[int] = []
    original = answering.greedy_steps

    def counted(*arguments):  # type: ignore[no-untyped-def]
        steps_taken.append(0)
        for tokens in original(*arguments):
            steps_taken[-1] += 1
            yield tokens

    monkeypatch.setattr(answering, "greedy_steps", counted)
    shown: list[int] = []
    original_time = measure._time

    def spy(answerer, clip, output_tokens):  # type: ignore[no-untyped-def]
        figures, view = original_time(answerer, clip, output_tokens)
        shown.append(view.shown.visual_tokens)
        return figures, view

    monkeypatch.setattr(measure, "_time", spy)
    timed = Latency(variant="cope", samplings=["drop", "blind"], output_tokens=7, seconds=1, repeats=3)
    measure_latency(study.model_copy(update={"latency": [timed]}), layout, "cope", 0)
    assert shown == [80] + [80, 0] * 4  # once more for the first, for what a process makes once
    assert steps_taken == [7] * 9


def test_selected_frames_are_timed_with_their_selection(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    timed = Latency(variant="sampler", samplings=["msjoe", "uniform"], output_tokens=2, seconds=12, repeats=1)
    measure_latency(study.model_copy(update={"latency": [timed]}), layout, "sampler", 0)
    scored, uniform = json.loads(layout.latency("sampler", 0).read_text(encoding="utf-8"))
    assert scored["visual_tokens"] == uniform["visual_tokens"] == 3 * 6
    assert scored["selection_s"] > 5 * uniform["selection_s"]


def test_a_variant_that_is_not_timed_is_an_error(tiny) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(KeyError, match=r"times no variant 'mllm'; it times \['cope'\]"):
        measure_latency(*tiny, "mllm", 0)


def test_the_clip_has_the_recipes_size_rate_and_length_and_moves(tmp_path: Path) -> None:
    sized = timed_clip(tmp_path, Recipe(fps=10, gop=10, window=5, width=64, height=48), 3)
    facts = probe(sized.path)
    assert (facts.width, facts.height, sized.frames, sized.keyframes) == (64, 48, 30, (0, 10, 20))
    first, later = read_frames(sized.path, [0.0, 1.0]).astype(int)
    assert np.abs(first - later).max() > 40
    unsized = timed_clip(tmp_path, Recipe(fps=4, gop=4, window=2), 0.5)
    assert (probe(unsized.path).width, probe(unsized.path).height) == (640, 360)


def test_memory_peaks_are_forgotten_between_measurements() -> None:
    keep_freed_memory()  # as every command does; a freed block is resident until it is given back
    memory = MemoryPeak(torch.device("cpu"))
    memory.start()
    torch.ones(64 * 2**20 // 4).sum()
    large = memory.megabytes()
    if large is None:
        pytest.skip("this system does not tell the peak memory of a process")
    memory.start()
    small = memory.megabytes()
    assert small is not None and large - small > 50


def test_a_stopwatch_adds_up_and_facts_name_the_machine() -> None:
    watch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        with watch("work"):
            sum(range(10_000))
    assert 0 < watch.seconds["work"] < 1
    facts = machine_facts(torch.device("cpu"))
    assert facts["cpu"] and facts["torch"] == torch.__version__
