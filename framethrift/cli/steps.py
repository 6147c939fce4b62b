"""One command per rule of the DAG. Imports are local to each: `framethrift --help` and the torch-free steps stay quick."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from framethrift.cli.launch import spread
from framethrift.cli.options import (
    DatasetName,
    Devices,
    Jobs,
    MicroBatch,
    Name,
    Nodes,
    Overrides,
    Root,
    Sampling,
    Seed,
    Shards,
    StudyOption,
    Threads,
    Variant,
    open_study,
)
from framethrift.progress import Progress


def videos(dataset: DatasetName, study: StudyOption = "mini", set_: Overrides = None, jobs: Jobs = 1, root: Root = None) -> None:
    """Build a dataset: render a world, ingest clips, a published dataset or benchmark, or ask about long videos."""
    from framethrift.videos import build_dataset

    settings, layout = open_study(study, set_)
    own = settings.datasets[dataset]
    counter = count_progress(f"videos {dataset}", "videos")
    with _question_writer(own, layout.videos(dataset) / "replies.sqlite") as ask:
        build_dataset(own, dataset, layout.root, jobs, counter, root=root, allow_partial=settings.allow_partial, ask=ask)


def _question_writer(dataset: Any, cache: Path) -> Any:
    """What words a dataset's questions, where it says that an endpoint does."""
    if getattr(dataset, "writer", None) != "endpoint":
        return nullcontext()
    from framethrift.evaluation.judging.writing import writer

    return writer(cache)


def codec(dataset: DatasetName, study: StudyOption = "mini", set_: Overrides = None, jobs: Jobs = 1) -> None:
    """Re-encode a dataset to its recipe."""
    from framethrift.codec.build import encode_dataset

    settings, layout = open_study(study, set_)
    recipe = settings.recipes[settings.datasets[dataset].recipe]
    encode_dataset(layout.root, dataset, recipe, jobs=jobs, progress=count_progress(f"codec {dataset}", "videos"))


def weights(study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Check that every ready-made weight a study names is on this machine."""
    from framethrift.models.weights import check_weights

    check_weights(*open_study(study, set_))


def tokenizer(study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Train the study's tokenizer, or fetch that of its trained VideoLM."""
    from lightning_modules.vision_language_pretraining import train_tokenizer

    train_tokenizer(*open_study(study, set_))


def vision(study: StudyOption = "mini", set_: Overrides = None, threads: Threads = 1) -> None:
    """Train the VideoLM's vision tower on captioned frames, or load it ready-made."""
    from lightning_modules.vision_language_pretraining import train_vision

    train_vision(*open_study(study, set_, threads))


def clip(study: StudyOption = "mini", set_: Overrides = None, threads: Threads = 1) -> None:
    """Train the CLIP that scores frames, or load it ready-made."""
    from lightning_modules.vision_language_pretraining import train_clip

    train_clip(*open_study(study, set_, threads))


def delta(
    name: Name,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
    devices: Devices = 1,
    nodes: Nodes = 1,
) -> None:
    """Pre-train a Δ-encoder (CoPE Eq. 7-10)."""
    spread(devices, nodes, threads)
    from lightning_modules.delta_pretraining import train_delta

    train_delta(*open_study(study, set_, threads), name, seed)


def retrieval(name: Name, study: StudyOption = "mini", set_: Overrides = None, seed: Seed = 0, threads: Threads = 1) -> None:
    """Next-frame retrieval with a pre-trained Δ-encoder (CoPE Table H.6)."""
    from framethrift.evaluation.retrieval import evaluate_retrieval

    evaluate_retrieval(*open_study(study, set_, threads), name, seed)


def videolm(
    variant: Variant,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
    devices: Devices = 1,
    nodes: Nodes = 1,
    micro_batch: MicroBatch = 0,
) -> None:
    """Fine-tune a VideoLM (CoPE Supp. C)."""
    spread(devices, nodes, threads)
    from lightning_modules.videolm_finetuning import train_videolm

    train_videolm(*open_study(study, set_, threads), variant, seed, micro_batch)


def pass_rates(
    variant: Variant, study: StudyOption = "mini", set_: Overrides = None, seed: Seed = 0, threads: Threads = 1
) -> None:
    """Measure how often a VideoLM answers each training question (MSJoE's difficulty c)."""
    from lightning_modules.pass_rates import measure_pass_rates

    measure_pass_rates(*open_study(study, set_, threads), variant, seed)


def sampler(
    variant: Variant,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
    devices: Devices = 1,
    nodes: Nodes = 1,
) -> None:
    """Train a key-frame sampler: MSJoE's stage 1, or TSPO's agent."""
    spread(devices, nodes, threads)
    from lightning_modules.sampler_pretraining import train_sampler
    from lightning_modules.tspo_training import train_tspo

    settings, layout = open_study(study, set_, threads)
    (train_tspo if settings.method_of(variant) == "tspo" else train_sampler)(settings, layout, variant, seed)


def joint(
    variant: Variant,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
    devices: Devices = 1,
    nodes: Nodes = 1,
) -> None:
    """Evolve MLLM and sampler together (MSJoE stage 2)."""
    spread(devices, nodes, threads)
    from lightning_modules.joint_evolution import train_joint

    train_joint(*open_study(study, set_, threads), variant, seed)


def answer(
    variant: Variant,
    sampling: Sampling,
    shard: Annotated[int, typer.Option(min=0, help="Which shard.")],
    shards: Shards,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Answer one shard of a cell's questions; started again, it goes on where it stopped."""
    from framethrift.evaluation.evaluate import answer_cells

    answer_cells(*open_study(study, set_, threads), variant, sampling, seed, shard, shards)


def evaluate(
    variant: Variant,
    sampling: Sampling,
    study: StudyOption = "mini",
    set_: Overrides = None,
    threads: Threads = 1,
    shards: Shards = 1,
) -> None:
    """Evaluate a variant under a sampling on its benchmarks, with every seed of the study, through lmms-eval."""
    from framethrift.evaluation.evaluate import evaluate_cells

    settings, layout = open_study(study, set_, threads)
    evaluate_cells(settings, layout, variant, sampling, settings.seeds, shards)


def arena(
    variant: Variant,
    budget: Annotated[int, typer.Option(min=1, max=99, help="Share of the tokens to keep, in %.")],
    study: StudyOption = "mini",
    set_: Overrides = None,
    threads: Threads = 1,
) -> None:
    """Evaluate every token reducer of the study's arena at one budget, with every seed of the study."""
    from framethrift.evaluation.arena import evaluate_arena

    settings, layout = open_study(study, set_, threads)
    evaluate_arena(settings, layout, variant, budget, settings.seeds)


def latency(variant: Variant, study: StudyOption = "mini", set_: Overrides = None, seed: Seed = 0, threads: Threads = 1) -> None:
    """Time a variant's samplings (CoPE Fig. 4a)."""
    from framethrift.latency.measure import measure_latency

    measure_latency(*open_study(study, set_, threads), variant, seed)


def dialogue(
    variant: Variant,
    sampling: Sampling,
    study: StudyOption = "mini",
    set_: Overrides = None,
    seed: Seed = 0,
    threads: Threads = 1,
) -> None:
    """Hold the study's example conversations with a variant under a sampling (CoPE Fig. 6-8)."""
    from framethrift.latency.dialogues import record_dialogues

    record_dialogues(*open_study(study, set_, threads), variant, sampling, seed)


def report(
    study: StudyOption = "mini",
    set_: Overrides = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when the results have gaps or contradictions.")] = False,
) -> None:
    """Send what is left in the spool to MLflow; render tables, figures, claims and pages from the files in results/."""
    from framethrift import tracking
    from framethrift.reporting import render_report
    from framethrift.tracking.provenance import revision

    settings, layout = open_study(study, set_)
    with Progress("report", unit="parts") as progress:
        try:
            if tracking.has_news(layout):
                tracking.sync(layout)
        except tracking.TrackingError as error:
            progress.say(f"warning: MLflow did not take everything, the report does not need it: {error}")
        sources = render_report(settings, layout, layout.report, progress, revision=revision(), pdf=True)
    if strict and sources.problems:
        raise typer.Exit(1)


def bundle(study: StudyOption = "mini", set_: Overrides = None) -> None:
    """Pack the report, every cell with its questions, settings, digests and cards as a Workflow Run RO-Crate."""
    from framethrift.reporting.bundle import write_bundle
    from framethrift.reporting.sources import read_sources
    from framethrift.tracking.provenance import revision

    settings, layout = open_study(study, set_)
    with Progress("bundle") as progress:
        write_bundle(read_sources(settings, layout, progress), layout.report, layout.bundle, progress, revision=revision())


def table(
    name: Annotated[str, typer.Option(help="Table of a paper, as its target in the DAG is called.")],
    study: StudyOption = "mini",
    set_: Overrides = None,
) -> None:
    """Render one table of a paper from the files in results/ alone."""
    from framethrift.config.tables import TARGETS
    from framethrift.reporting.tables import write_paper_table

    if name not in TARGETS:
        raise typer.BadParameter(f"{name!r} is no table; allowed: {', '.join(TARGETS)}", param_hint="--name")
    settings, layout = open_study(study, set_)
    with Progress(f"table {name}") as progress:
        write_paper_table(settings, layout, name, layout.report, progress)


def count_progress(name: str, unit: str) -> Any:
    """What a step calls with (done, total): progress lines under the step's name."""
    progress: Progress | None = None

    def count(done: int, total: int) -> None:
        nonlocal progress
        progress = progress or Progress(name, total, unit)
        progress.update(done)

    return count


COMMANDS: list[Callable[..., None]] = [
    videos,
    tokenizer,
    vision,
    clip,
    delta,
    retrieval,
    videolm,
    pass_rates,
    sampler,
    joint,
    answer,
    evaluate,
    arena,
    latency,
    dialogue,
    report,
    table,
    bundle,
]
