"""What a plan must assume: hardware, how well it is used, and the sizes of published data."""

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from framethrift.config.base import Section
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.data import Clips, LongVideoQA, MotionWorld, NeedleWorld, Official, Published
from framethrift.config.study import Study


class PlanError(ValueError):
    """A study or an option that cannot be planned with."""


class Gpu(Section):
    """One GPU."""

    tflops: float = Field(gt=0, description="Dense bf16 peak, TFLOP/s.")
    memory: float = Field(gt=0, description="Memory, GiB.")
    bandwidth: float = Field(gt=0, description="Memory bandwidth, GB/s.")


class Data(Section):
    """Size of a dataset or a benchmark."""

    videos: int = Field(ge=0, description="Videos.")
    questions: int = Field(ge=0, description="Questions.")
    seconds: float = Field(gt=0, description="Mean length of a video, seconds.")


class PaperHours(Section):
    """What a paper says a job took."""

    job: str = Field(description="Name of the job in the paper study: a variant.")
    gpu_hours: float = Field(gt=0, description="GPU-hours.")
    source: str = Field(description="Where the paper says so.")


class Assumptions(Section):
    """Options of a plan; each has a default."""

    gpu: Literal["A100", "H100", "H200", "L40S", "RTX4090"] = Field("A100", description="GPU; CoPE used A100-80G (Sec. 4.1).")
    nodes: int = Field(8, ge=1, description="Nodes; with 8 GPUs each they are CoPE's 64 GPUs.")
    gpus_per_node: int = Field(8, ge=1, description="GPUs per node.")
    mfu: float = Field(
        0.4,
        gt=0,
        le=1,
        description="Share of the peak that model FLOPs reach (Llama 3, arXiv 2407.21783, Table 4: 0.38 to 0.43).",
    )
    checkpointing: bool = Field(True, description="Gradient checkpointing in the VideoLM's training: one more forward pass.")
    bandwidth_use: float = Field(0.6, gt=0, le=1, description="Share of the memory bandwidth that decoding reaches (assumed).")
    question_tokens: int = Field(60, ge=1, description="Tokens of a prompt beside the video (assumed).")
    answer_tokens: int = Field(80, ge=1, description="Supervised tokens of a training sample (assumed).")
    open_tokens: int = Field(64, ge=1, description="Tokens of an open-ended answer in evaluation (assumed).")
    questions_per_video: int = Field(
        4, ge=1, description="Questions per video where nothing says it, as in the procedural worlds."
    )
    write_speed: float = Field(2.0, gt=0, description="GB/s at which a checkpoint is written (assumed).")
    overhead: float = Field(120, ge=0, description="Seconds from a job's start to its first step (assumed).")
    cores: int = Field(32, ge=1, description="Cores of a job that needs no GPU (as workflow/profiles/slurm gives codec).")
    small_job: float = Field(300, ge=0, description="Seconds of a job that nothing here estimates, e.g. collecting (assumed).")
    codec_speed: float = Field(
        4.0, gt=0, description="Seconds of video ingested or re-encoded per second and core (assumed; perf/ measures it)."
    )

    @property
    def board(self) -> Gpu:
        """The chosen GPU."""
        return Gpu.model_validate(facts()["gpus"][self.gpu])

    @property
    def gpus(self) -> int:
        """All GPUs."""
        return self.nodes * self.gpus_per_node

    def seconds(self, flops: float) -> float:
        """GPU-seconds for `flops` model FLOPs."""
        return flops / (self.board.tflops * 1e12 * self.mfu)

    def decoding(self, tokens: float, weights: float) -> float:
        """GPU-seconds for `tokens` decoding steps that each read `weights` bytes."""
        return tokens * weights / (self.board.bandwidth * 1e9 * self.bandwidth_use)


def assumptions(changes: Sequence[str], **options: Any) -> Assumptions:
    """The defaults with `options` and changes `name=value`. Raises PlanError naming an unknown name or an impossible value."""
    fields = dict(options)
    for change in changes:
        name, separator, value = change.partition("=")
        if not separator or name not in Assumptions.model_fields:
            raise PlanError(f"assumption {change!r}: expected name=value; names: {sorted(Assumptions.model_fields)}")
        fields[name] = yaml.safe_load(value)
    try:
        given = Assumptions.model_validate(fields)
    except ValidationError as error:
        raise PlanError("; ".join(f"{item['loc'][0]} {item['input']!r}: {item['msg']}" for item in error.errors())) from error
    return given


@lru_cache
def facts() -> dict[str, Any]:
    """assumptions.yaml."""
    text = resources.files("framethrift.planning").joinpath("assumptions.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def papers() -> dict[str, PaperHours]:
    """Rule → what its paper says it took."""
    return {rule: PaperHours.model_validate(known) for rule, known in facts()["papers"].items()}


def data_of(study: Study, name: str, given: Assumptions, split: str = "train") -> Data:
    """Size of a split of a dataset: from its settings where it is made here, else from assumptions.yaml.

    Raises PlanError for a published dataset that assumptions.yaml does not know.
    """
    dataset = study.datasets[name]
    if isinstance(dataset, MotionWorld | NeedleWorld):
        videos = int(getattr(dataset.videos, split))
        frames = dataset.gops * dataset.gop if isinstance(dataset, MotionWorld) else dataset.frames
        return Data(videos=videos, questions=videos * given.questions_per_video, seconds=frames / dataset.fps)
    known = facts()["datasets"]
    if isinstance(dataset, Clips):
        return Data(videos=0, questions=0, seconds=1)
    if isinstance(dataset, Published):
        if split != "test":
            return Data(videos=0, questions=0, seconds=1)
        asked = (key for key, benchmark in load_benchmarks().items() if benchmark.data == dataset.source)
        return benchmark_data(study, next(asked), given)
    if isinstance(dataset, LongVideoQA) and dataset.splicing is not None:
        videos = int(getattr(dataset.splicing, split, 0))
        return Data(videos=videos, questions=videos * dataset.questions, seconds=30 * sum(dataset.splicing.minutes))
    if name not in known:
        raise PlanError(f"datasets.{name}: its size is unknown; add it to framethrift/planning/assumptions.yaml")
    whole = Data.model_validate(known[name])
    assert isinstance(dataset, Official | LongVideoQA)
    share = {"train": 1 - dataset.validation_share, "validation": dataset.validation_share, "test": 0.0}[split]
    return whole.model_copy(update={"videos": round(whole.videos * share), "questions": round(whole.questions * share)})


def benchmark_data(study: Study, benchmark: str, given: Assumptions) -> Data:
    """Size of a benchmark: from the registry, the study's own world, and assumptions.yaml for what neither knows.

    Raises PlanError for a published benchmark whose size nothing states.
    """
    entry = load_benchmarks()[benchmark]
    if entry.data is None:
        name = next(name for name, dataset in study.datasets.items() if dataset.kind == entry.dataset)
        return data_of(study, name, given, "test")
    known = {"questions": entry.questions, "videos": entry.videos}
    merged = {**facts()["benchmarks"].get(benchmark, {}), **{key: value for key, value in known.items() if value is not None}}
    missing = sorted({"questions", "videos", "seconds"} - set(merged))
    if missing:
        raise PlanError(f"benchmark {benchmark}: {', '.join(missing)} unknown; add it to framethrift/planning/assumptions.yaml")
    return Data.model_validate(merged)
