"""One claim of a paper as data: what it states, where, with which number, and the test that decides it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section

Kind = Literal["arithmetic", "latency", "accuracy", "comparison"]
Quantity = Literal["ttft_s", "ttft_model_s", "e2e_s", "visual_tokens"]


class Need(Section):
    """One cell, latency figure or retrieval figure a claim depends on, by the names of the study."""

    variant: str = Field(description="Variant of the study.")
    sampling: str | None = Field(default=None, description="Sampling of the study; null for retrieval.")
    benchmark: str | None = Field(default=None, description="Benchmark of the registry; null for latency and retrieval.")

    type: str | None = Field(default=None, description="Question type of the benchmark; null takes all its questions.")

    def __str__(self) -> str:
        return " / ".join(name for name in (self.variant, self.sampling, self.benchmark, self.type) if name)


class Difference(Section):
    """Paired difference first minus second need on the same questions, in points, against `margin`."""

    kind: Literal["greater", "less"]
    margin: float = Field(default=0.0, description="Points the difference must exceed (greater) or stay below (less).")


class Within(Section):
    """One cell against chance or against the paper's own value, in points."""

    kind: Literal["within"] = "within"
    of: Literal["chance", "paper"]
    measure: str = Field(default="accuracy", description="Metric of the cell's benchmark.")
    tolerance: float = Field(gt=0, description="Points either side.")


class TokenShare(Section):
    """Visual tokens of the first need in % of the second's, against the paper's number."""

    kind: Literal["token_share"] = "token_share"
    tolerance: float = Field(gt=0, description="Points either side.")


class Ratio(Section):
    """Ratio first / second need of a measured quantity against `limit`."""

    kind: Literal["ratio_below", "ratio_above"]
    quantity: Quantity
    limit: float = Field(gt=0)


class Retrieval(Section):
    """Next-frame retrieval of the Δ-encoder above that of copying the current frame (Table H.6)."""

    kind: Literal["retrieval_greater"] = "retrieval_greater"
    measure: str = Field(description="Figure of the retrieval file, e.g. recall@5.")


class Recall(Section):
    """Next-frame recall of one method against the paper's number (Table H.6)."""

    kind: Literal["recall"] = "recall"
    method: str = Field(description="Method of the retrieval file.")
    measure: str = Field(description="Figure of the retrieval file, e.g. recall@5.")
    tolerance: float = Field(gt=0, description="Points either side.")


class Arithmetic(Section):
    """A number that follows from others by arithmetic alone: decided without any training."""

    kind: Literal["equals_arithmetic", "below_arithmetic", "above_arithmetic"]
    formula: str = Field(description="Arithmetic over numbers, tokens(I, P) and value('claim id').")
    tolerance: float = Field(0.0, ge=0, description="Largest deviation that still counts as equal: half the last printed digit.")


class Untestable(Section):
    """A statement no cell of this workflow can decide."""

    kind: Literal["untestable"] = "untestable"
    why: str


Test = Annotated[
    Difference | Within | TokenShare | Ratio | Retrieval | Recall | Arithmetic | Untestable, Field(discriminator="kind")
]

_NEEDS = {
    "greater": 2,
    "less": 2,
    "within": 1,
    "token_share": 2,
    "ratio_below": 2,
    "ratio_above": 2,
    "retrieval_greater": 1,
    "recall": 1,
    "equals_arithmetic": 0,
    "below_arithmetic": 0,
    "above_arithmetic": 0,
}


class Claim(Section):
    """One statement of a paper with its cells and the test that decides it."""

    id: str = Field(pattern=r"^[a-z0-9_.-]+$", description="Unique in all ledgers.")
    location: str = Field(description="Where in the paper.")
    statement: str = Field(description="What is claimed, in one sentence.")
    kind: Kind
    test: Test
    scale: Literal["paper", "miniature"] = Field(
        default="paper", description="miniature: the paper's mechanism tested on the procedural worlds."
    )
    value: float | None = Field(default=None, description="The paper's number.")
    unit: str = Field(default="", description="Unit of the value.")
    source: str = Field(default="paper", description="Where the number was read: the paper itself, or a transcription of it.")
    needs: list[Need] = Field(default_factory=list, description="Cells the test compares, in its order.")
    headline: bool = Field(default=False, description="Shown on the report's first page.")
    note: str = Field(default="", description="What a reader must know beside the verdict.")

    @model_validator(mode="after")
    def _complete(self) -> "Claim":
        wanted = _NEEDS.get(self.test.kind)
        if wanted is not None and len(self.needs) != wanted:
            raise ValueError(f"needs: test {self.test.kind} compares {wanted} cell(s), found {len(self.needs)}")
        arithmetic = isinstance(self.test, Arithmetic)
        if arithmetic != (self.kind == "arithmetic") and not isinstance(self.test, Untestable):
            raise ValueError(f"kind {self.kind!r} does not fit test {self.test.kind!r}")
        compares = isinstance(self.test, TokenShare | Recall) or (isinstance(self.test, Within) and self.test.of == "paper")
        if self.value is None and (arithmetic or compares):
            raise ValueError(f"value: test {self.test.kind} compares with the paper's number, which is missing")
        if isinstance(self.test, Difference | Within | TokenShare) and any(
            need.benchmark is None or need.sampling is None for need in self.needs
        ):
            raise ValueError(
                f"needs: test {self.test.kind} compares accuracies; every need names variant, sampling and benchmark"
            )
        if isinstance(self.test, Ratio) and any(need.sampling is None or need.benchmark is not None for need in self.needs):
            raise ValueError("needs: a ratio of latency figures names variant and sampling, no benchmark")
        return self
