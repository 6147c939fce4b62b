"""The benchmark registry: config/benchmarks.yaml as checked objects; no torch."""

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import Field, TypeAdapter, model_validator

from framethrift.config.base import Section
from framethrift.config.sources import load_sources

if TYPE_CHECKING:
    from framethrift.config.study import Study

Category = Literal["general", "temporal", "long", "spatial", "streaming", "miniature"]


class Benchmark(Section):
    """One benchmark: what is asked, how an answer is scored, and what is known about its data."""

    title: str = Field(description="Name as printed in tables.")
    category: Category = Field(description="Group of CoPE Sec. 4.1; streaming: asked while a video runs; miniature: the worlds.")
    task: str | None = Field(description="lmms-eval task or group; null where lmms-eval has none.")
    dataset: Literal["motion_world", "needle_world", "benchmark"] = Field(description="Kind of dataset that holds its questions.")
    data: str | None = Field(
        None, description="Source of annotations and videos in sources.yaml; null for the procedural worlds."
    )
    questions: int | None = Field(
        ge=1, description="Expected number of questions (rounds of one count once); null: not verified, or set by the study."
    )
    videos: int | None = Field(ge=1, description="Expected number of videos; null as above.")
    answers: Literal["words", "letters", "open"] = Field(description="Closed set of words, lettered options, or free text.")
    metric: str = Field(description="Metric, and how it aggregates.")
    scoring: Literal["choice", "exact_match", "captions", "judge"] = Field(
        "choice",
        description=(
            "How an answer is scored: strictly parsed option (or the only number, where the answer is one); exact match; exact "
            "match with caption metrics beside it; or by a judge."
        ),
    )
    macro: list[Literal["part", "type"]] = Field(
        default_factory=list,
        description="Groups of questions that the benchmark's figure averages with equal weight, outermost first; empty: none.",
    )
    judge_protocol: Literal["activitynet_qa", "cvrr_es", "video_tt"] | None = Field(
        None, description="What our judge is asked (framethrift/evaluation/judging); given exactly where scoring is judge."
    )
    lmms_metrics: dict[str, float] = Field(
        default_factory=dict, description="lmms-eval's names for the figure, each with what it prints for 100 %: 1 or 100."
    )
    chance: float | None = Field(
        ge=0, le=1, description="Chance level; null: follows from each question's options, or there is none."
    )
    cluster: str = Field(description="Field that names the unit the bootstrap resamples.")
    judge: str | None = Field(description="Judge that lmms-eval asks; null where rules score.")
    licence: str | None = Field(description="Licence of the annotations; null where none is stated.")
    source: str = Field(description="Where the questions come from, and what to know before trusting a number.")

    @model_validator(mode="after")
    def _data_known(self) -> "Benchmark":
        if (self.dataset == "benchmark") != (self.data is not None):
            raise ValueError(
                f"data: {self.data!r} with dataset {self.dataset!r}; published benchmarks name their source, worlds none"
            )
        if self.data is not None and self.data not in load_sources():
            raise ValueError(f"data: {self.data!r} is not in sources.yaml; allowed: {sorted(load_sources())}")
        return self

    @model_validator(mode="after")
    def _judged(self) -> "Benchmark":
        if (self.scoring == "judge") != (self.judge_protocol is not None):
            raise ValueError(f"judge_protocol: {self.judge_protocol!r} with scoring {self.scoring!r}; give both or neither")
        return self


@lru_cache
def load_benchmarks() -> dict[str, Benchmark]:
    """Every registered benchmark by name, in the order of the file.

    Raises pydantic.ValidationError when the registry file itself is malformed.
    """
    text = resources.files("framethrift.config").joinpath("benchmarks.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Benchmark]).validate_python(yaml.safe_load(text))


def datasets_of(study: "Study", benchmark: str) -> list[str]:
    """Names of the study's datasets that may hold questions of a registered benchmark."""
    registered = load_benchmarks()[benchmark]
    return [
        name
        for name, dataset in study.datasets.items()
        if dataset.kind == registered.dataset and getattr(dataset, "source", None) == registered.data
    ]


def check_benchmarks(study: "Study") -> None:
    """Check the benchmark names of a study's cells, and the sources of its published datasets.

    Raises ValueError naming the field, the value and what is allowed, when a name is not registered, or no dataset of the study
    can hold the benchmark's questions.
    """
    known = load_benchmarks()
    for name, dataset in study.datasets.items():
        sources = sorted({benchmark.data for benchmark in known.values() if benchmark.data})
        if dataset.kind == "benchmark" and dataset.source not in sources:
            raise ValueError(f"datasets.{name}.source: {dataset.source!r} holds no benchmark; allowed: {sources}")
    for index, block in enumerate(study.cells):
        for name in block.benchmarks:
            field = f"cells[{index}].benchmarks"
            if name not in known:
                raise ValueError(f"{field}: {name!r} is not a registered benchmark; allowed: {sorted(known)}")
            if datasets_of(study, name):
                continue
            wanted = known[name]
            if wanted.data is None:
                kinds = sorted({dataset.kind for dataset in study.datasets.values()})
                raise ValueError(f"{field}: {name!r} asks about a {wanted.dataset}, and the study has none; its kinds: {kinds}")
            raise ValueError(
                f"{field}: {name!r} needs a dataset with its questions and videos; "
                f"add datasets.{wanted.data}: {{kind: benchmark, source: {wanted.data}, recipe: ...}}"
            )
