"""Time to first token and end-to-end latency of a variant under its timed samplings (CoPE Fig. 4a).

Everything from the re-encoded file on disk to the last token is timed, batch size 1. The paper does not say whether decoding and
extracting primitives are inside its figures, so the parts are stated, and `ttft_model_s` leaves the reading of the file out.
"""

import statistics
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from framethrift import tracking
from framethrift.codec import read_frames
from framethrift.config import Layout, Study
from framethrift.config.cells import Latency
from framethrift.config.sampling import Select
from framethrift.evaluation.answering import Answerer
from framethrift.evaluation.loading import Loaded, fresh_scoring, load_variant
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.reducing import ReducingViewer
from framethrift.evaluation.shown import Ask, View
from framethrift.files import write_json
from framethrift.latency.clip import timed_clip
from framethrift.latency.machine import MemoryPeak, machine_facts
from framethrift.progress import Progress

QUESTION = "what happens in the video ?"
PARTS = ("decode_s", "primitives_s", "vision_s", "delta_s", "selection_s", "reduction_s", "prefill_s")
FIGURES = ("ttft_s", "ttft_model_s", "e2e_s", *PARTS)


def measure_latency(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Write layout.latency(variant, seed): one entry per timed sampling, medians over the repeats and each repeat's figures.

    The samplings take turns within every repeat, so that a machine that slows down slows all of them; a first round warms up and
    is not timed, but tells the peak of memory. Raises KeyError when the study times no such variant, and whatever keeps the clip
    from being shown.
    """
    wanted = [timed for timed in study.latency if timed.variant == variant]
    if not wanted:
        raise KeyError(f"study {study.name!r} times no variant {variant!r}; it times {sorted(t.variant for t in study.latency)}")
    loaded = load_variant(study, layout, variant, seed)
    recipe = study.recipe_of(variant)
    rounds = sum((timed.repeats + 1) * len(timed.samplings) for timed in wanted)
    params = {"latency": [timed.model_dump(mode="json") for timed in wanted], "digests": loaded.digests}
    with (
        tempfile.TemporaryDirectory(prefix="framethrift-") as scratch,
        tracking.stage_run(layout, study, stage="latency", name=variant, seed=seed, params=params) as run,
        Progress(f"latency {variant} seed{seed}", rounds, "runs") as progress,
    ):
        entries = []
        for number, timed in enumerate(wanted):
            (folder := Path(scratch) / str(number)).mkdir()
            entries += timings(study, layout, loaded, timed, timed_clip(folder, recipe, timed.seconds), progress)
        for entry in entries:
            entry |= {"variant": variant, "seed": seed}
            run.log_metrics({f"{entry['sampling']}.{name}": entry[name] for name in ("visual_tokens", *FIGURES)})
        write_json(layout.latency(variant, seed), entries)
        run.log_artifact(layout.latency(variant, seed))


def timings(
    study: Study, layout: Layout, loaded: Loaded, timed: Latency, clip: EncodedVideo, progress: Progress
) -> list[dict[str, Any]]:
    """One entry per sampling of `timed`, on `clip`; order and figures as in `measure_latency`."""
    scorings = {
        name: fresh_scoring(layout.clip, sampling.candidate_fps)
        if isinstance(sampling, Select) and study.needs_clip(name)
        else None
        for name, sampling in ((name, study.samplings[name]) for name in timed.samplings)
    }

    def run(name: str) -> tuple[dict[str, float], Answerer, View]:
        answerer = loaded.answerer(study.samplings[name], scorings[name], name)
        figures, view = _time(answerer, clip, timed.output_tokens)
        return figures, answerer, view

    memory = MemoryPeak(loaded.model.device)
    peaks: dict[str, float | None] = {}
    run(timed.samplings[0])  # what a process makes once must not count for the first sampling
    for name in timed.samplings:
        memory.start()
        run(name)  # nothing is kept, or it would count for the next one
        peaks[name] = memory.megabytes()
        progress.advance()
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in timed.samplings}
    last: dict[str, tuple[Answerer, View]] = {}
    for _ in range(timed.repeats):
        for name in timed.samplings:
            figures, answerer, view = run(name)
            runs[name].append(figures)
            last[name] = answerer, view
            progress.advance()
    return [_entry(name, *last[name], runs[name], timed, loaded) | {"peak_memory_mb": peaks[name]} for name in timed.samplings]


def _time(answerer: Answerer, clip: EncodedVideo, output_tokens: int) -> tuple[dict[str, float], View]:
    """Figures of one run in seconds, and what was shown."""
    watch = answerer.watch
    began = watch.now()
    (view,) = answerer.viewer([Ask(clip, QUESTION)])
    seen = watch.now()
    conversation = view.shown.conversation(answerer.processor, [QUESTION])
    steps = answerer.steps(answerer.model, answerer.processor.tokenizer.pad_token_id, [conversation])
    next(steps)
    first = watch.now()
    for _ in islice(steps, output_tokens - 1):
        pass
    last = watch.now()
    parts = watch.seconds
    read = parts.get("read", 0.0)
    decode = _decoding_alone(answerer, clip, view, read)
    figures = {
        "ttft_s": first - began,
        "ttft_model_s": first - began - read,
        "e2e_s": last - began,
        "decode_s": decode,
        "primitives_s": read - decode,
        "vision_s": parts.get("vision", 0.0),
        "delta_s": parts.get("delta", 0.0),
        "selection_s": sum(parts.get(name, 0.0) for name in ("clip", "reason", "select")),
        "reduction_s": parts.get("reduce", 0.0),
        "prefill_s": first - seen,
    }
    return figures, view


def _decoding_alone(answerer: Answerer, clip: EncodedVideo, view: View, read: float) -> float:
    """Seconds that decoding the shown times takes without their primitives; the rest of `read` went into those."""
    if all(item.kind == "I" for item in view.shown.items):
        return read
    began = answerer.watch.now()
    read_frames(clip.path, [item.time for item in view.shown.items])
    return min(read, answerer.watch.now() - began)


def _entry(
    name: str, answerer: Answerer, view: View, runs: list[dict[str, float]], timed: Latency, loaded: Loaded
) -> dict[str, Any]:
    medians = {figure: statistics.median(run[figure] for run in runs) for figure in FIGURES}
    kinds = [item.kind for item in view.shown.items]
    prompt = view.shown.conversation(answerer.processor, [QUESTION]).length
    return {
        "sampling": name,
        "i_frames": kinds.count("I"),
        "p_frames": kinds.count("P"),
        "visual_tokens": view.shown.visual_tokens,
        **medians,
        "repeats": runs,
        "output_tokens": timed.output_tokens,
        "seconds": timed.seconds,
        "dtype": str(loaded.model.dtype).removeprefix("torch."),
        **machine_facts(loaded.model.device),
        "prompt_tokens": prompt,
        **answerer.costs(view.shown, prompt),
        "reduction": answerer.viewer.achieved if isinstance(answerer.viewer, ReducingViewer) else {},
    }
