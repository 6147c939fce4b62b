"""The claims ledger as data: what a paper states, where, with which number, and the test that decides it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError, model_validator

from framethrift.config.base import Section

LEDGERS = Path("config/claims")
CHOICES = "choices.yaml"
Model = TypeVar("Model", bound=Section)

Kind = Literal["arithmetic", "latency", "accuracy", "comparison"]
Quantity = Literal["ttft_s", "ttft_model_s", "e2e_s", "visual_tokens"]


class LedgerError(ValueError):
    """A ledger file that cannot be used; the message names file, claim and field."""


class Need(Section):
    """One cell, latency figure or retrieval figure a claim depends on, by the names of the study."""

    variant: str = Field(description="Variant of the study.")
    sampling: str | None = Field(default=None, description="Sampling of the study; null for retrieval.")
    benchmark: str | None = Field(default=None, description="Benchmark of the registry; null for latency and retrieval.")

    def __str__(self) -> str:
        return " / ".join(name for name in (self.variant, self.sampling, self.benchmark) if name)


class Difference(Section):
    """Paired difference first minus second need on the same questions, in points, against `margin`."""

    kind: Literal["greater", "less"]
    margin: float = Field(default=0.0, description="Points the difference must exceed (greater) or stay below (less).")


class Within(Section):
    """One cell against chance or against the paper's own value, in points."""

    kind: Literal["within"] = "within"
    of: Literal["chance", "paper"]
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


class Arithmetic(Section):
    """A number that follows from others by arithmetic alone: decided without any training."""

    kind: Literal["equals_arithmetic", "below_arithmetic", "above_arithmetic"]
    formula: str = Field(description="Arithmetic over numbers, tokens(I, P) and value('claim id').")
    tolerance: float = Field(0.0, ge=0, description="Largest deviation that still counts as equal: half the last printed digit.")


class Untestable(Section):
    """A statement no cell of this workflow can decide."""

    kind: Literal["untestable"] = "untestable"
    why: str


Test = Annotated[Difference | Within | Ratio | Retrieval | Arithmetic | Untestable, Field(discriminator="kind")]

_NEEDS = {
    "greater": 2,
    "less": 2,
    "within": 1,
    "ratio_below": 2,
    "ratio_above": 2,
    "retrieval_greater": 1,
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
        if self.value is None and (arithmetic or (isinstance(self.test, Within) and self.test.of == "paper")):
            raise ValueError(f"value: test {self.test.kind} compares with the paper's number, which is missing")
        if isinstance(self.test, Difference | Within) and any(
            need.benchmark is None or need.sampling is None for need in self.needs
        ):
            raise ValueError(
                f"needs: test {self.test.kind} compares accuracies; every need names variant, sampling and benchmark"
            )
        if isinstance(self.test, Ratio) and any(need.sampling is None or need.benchmark is not None for need in self.needs):
            raise ValueError("needs: a ratio of latency figures names variant and sampling, no benchmark")
        return self


class PrintedRow(Section):
    """One printed row: which cells it holds and its numbers, null where the paper prints none."""

    variant: str
    sampling: str
    label: str = Field(default="", description="The paper's own wording of the row.")
    values: list[float | None]


class PrintedTable(Section):
    """A table of accuracies as printed: every number becomes one claim `<id>.<row>.<column>`."""

    id: str = Field(pattern=r"^[a-z0-9_.-]+$")
    location: str
    benchmarks: list[str] = Field(min_length=1, description="Column heads: benchmarks of the registry.")
    tolerance: float = Field(gt=0, description="Points either side of the printed number that count as the same result.")
    source: str = "paper"
    rows: list[PrintedRow] = Field(min_length=1)

    @model_validator(mode="after")
    def _rectangular(self) -> "PrintedTable":
        for row in self.rows:
            if len(row.values) != len(self.benchmarks):
                raise ValueError(
                    f"row {row.label or row.variant!r}: {len(row.values)} values for {len(self.benchmarks)} benchmarks"
                )
        return self

    def claims(self) -> list[Claim]:
        """One accuracy claim per printed number, in reading order."""
        return [
            Claim(
                id=f"{self.id}.{number}.{benchmark}",
                location=self.location,
                statement=f"{row.label or row.variant}: {value:g} % on {benchmark}",
                kind="accuracy",
                test=Within(of="paper", tolerance=self.tolerance),
                value=value,
                unit="%",
                source=self.source,
                needs=[Need(variant=row.variant, sampling=row.sampling, benchmark=benchmark)],
            )
            for number, row in enumerate(self.rows, start=1)
            for benchmark, value in zip(self.benchmarks, row.values, strict=True)
            if value is not None
        ]


class TokenPrices(Section):
    """What a frame costs in the paper's token arithmetic."""

    image_tokens: int = Field(ge=1)
    newline_tokens: int = Field(ge=0)
    delta_tokens: int = Field(ge=1)
    delta_newlines: int = Field(ge=0)


class Ledger(Section):
    """All claims of one paper: `config/claims/<paper>.yaml`."""

    paper: str = Field(description="Short name of the paper.")
    title: str
    reference: str = Field(description="Where it can be read.")
    token_prices: TokenPrices | None = Field(default=None, description="Prices behind tokens(I, P) in formulas.")
    statements: list[Claim] = Field(default_factory=list, alias="claims")
    tables: list[PrintedTable] = Field(default_factory=list)

    @property
    def claims(self) -> list[Claim]:
        """Statements, then the printed tables' numbers."""
        return [*self.statements, *(claim for table in self.tables for claim in table.claims())]


class Choice(Section):
    """One decision where a paper is silent, contradicts itself, or cannot be followed."""

    field: str = Field(description="Where the decision sits in the study's configuration, or the step it belongs to.")
    paper: str = Field(description="Which paper.")
    says: str = Field(description="What the paper says, with the place.")
    we: str = Field(description="What is done here.")
    why: str
    nature: Literal["silent", "contradiction", "deviation"] = "silent"


def load_ledgers(folder: Path = LEDGERS) -> list[Ledger]:
    """Every `<paper>.yaml` of `folder` in alphabetical order.

    Raises LedgerError naming file, claim and field; also when two claims share an id.
    """
    paths = sorted(path for path in folder.glob("*.yaml") if path.name != CHOICES)
    if not paths:
        raise LedgerError(f"{folder}: no ledger (*.yaml) found")
    ledgers = [_validated(Ledger, path, _yaml(path)) for path in paths]
    seen: dict[str, Path] = {}
    for path, ledger in zip(paths, ledgers, strict=True):
        for claim in ledger.claims:
            if claim.id in seen:
                raise LedgerError(f"{path}: claim id {claim.id!r} is already used in {seen[claim.id]}")
            seen[claim.id] = path
    return ledgers


def load_choices(folder: Path = LEDGERS) -> list[Choice]:
    """The list in `<folder>/choices.yaml`; errors as `load_ledgers`."""
    path = folder / CHOICES
    raw = _yaml(path)
    if not isinstance(raw, list):
        raise LedgerError(f"{path}: expected a list of choices, found {type(raw).__name__}")
    return [_validated(Choice, path, item) for item in raw]


def _yaml(path: Path) -> Any:
    if not path.is_file():
        raise LedgerError(f"{path} does not exist")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise LedgerError(f"{path}: not valid YAML: {error}") from error


def _validated(model: type[Model], path: Path, raw: Any) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path}: {error.error_count()} invalid field(s)"]
        for item in error.errors(include_url=False):
            lines.append(f"  {_place(item['loc'], raw)}: {item['msg'].removeprefix('Value error, ')}")
        raise LedgerError("\n".join(lines)) from error


def _place(location: tuple[int | str, ...], raw: Any) -> str:
    """The field's path, with a claim's id in place of its position."""
    parts: list[str] = []
    for key in location:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            raw = None
        parts.append(str(raw["id"]) if isinstance(key, int) and isinstance(raw, Mapping) and "id" in raw else str(key))
    return ".".join(parts) or "ledger"
