"""The papers' tables as printed: every number becomes one claim with the test that fits what it measures."""

from typing import Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section
from framethrift.config.claims import Arithmetic, Claim, Need, Recall, Test, TokenShare, Untestable, Within

# What a column holds. `given` columns are facts of the row (frame rates, sample counts): only arithmetic can decide them.
Measure = Literal[
    "accuracy",
    "em",
    "em_refined",
    "cider",
    "bleu_4",
    "meteor",
    "rouge_l",
    "token_share",
    "recall@1",
    "recall@2",
    "recall@5",
    "ttft_s",
    "e2e_s",
    "given",
]
_UNITS = {"ttft_s": "s", "e2e_s": "s", "given": "", "cider": "", "bleu_4": "", "meteor": "", "rouge_l": ""}


class PrintedColumn(Section):
    """A column head and what stands below it."""

    name: str = Field(pattern=r"^[a-z0-9_.]+$", description="Last part of the claims' ids.")
    head: str
    group: str = Field(default="", description="Head above several columns.")
    measure: Measure = "accuracy"
    benchmark: str | None = Field(default=None, description="Benchmark of the registry.")


class Stated(Section):
    """A printed number that follows from others."""

    value: float
    formula: str = Field(description="As in an arithmetic claim.")
    tolerance: float = Field(0.0, ge=0)


class PrintedRow(Section):
    """One printed row: whose numbers they are, and the numbers, null where the paper prints none."""

    label: str = Field(description="The row's head in the paper.")
    group: str = Field(default="", description="Heading above several rows.")
    variant: str | None = Field(default=None, description="Our variant for this row.")
    sampling: str | None = Field(default=None, description="Our sampling for this row.")
    method: str | None = Field(default=None, description="Method of next-frame retrieval, in place of a sampling.")
    quoted: str | None = Field(default=None, description="Why no cell of ours can stand beside this row.")
    values: list[float | Stated | None]

    @model_validator(mode="after")
    def _one_origin(self) -> "PrintedRow":
        if (self.quoted is None) == (self.variant is None) or (self.variant and not (self.sampling or self.method)):
            raise ValueError(f"row {self.label!r} names either variant and sampling (or method), or `quoted` and why")
        return self


class PrintedTable(Section):
    """A table as printed: every number becomes one claim `<id>.<row>.<column>`."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="Name of the table's target: `snakemake <name>`.")
    paper: str = Field(description="Paper of a ledger.")
    id: str = Field(pattern=r"^[a-z0-9_.-]+$")
    location: str
    title: str
    note: str = ""
    source: str = "paper"
    tolerance: float = Field(gt=0, description="Points either side of a printed score that count as the same result.")
    full: Need | None = Field(default=None, description="What spends 100 % of the tokens.")
    columns: list[PrintedColumn] = Field(min_length=1)
    rows: list[PrintedRow] = Field(min_length=1)

    @model_validator(mode="after")
    def _rectangular(self) -> "PrintedTable":
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(f"row {row.label!r}: {len(row.values)} values for {len(self.columns)} columns")
        if self.full is None and any(column.measure == "token_share" for column in self.columns):
            raise ValueError("full: a column of token shares needs the row that spends 100 %")
        return self

    def claims(self) -> list[Claim]:
        """One claim per printed number, in reading order."""
        return [
            self._claim(f"{self.id}.{number}.{column.name}", row, column, value)
            for number, row in enumerate(self.rows, start=1)
            for column, value in zip(self.columns, row.values, strict=True)
            if value is not None
        ]

    def _claim(self, id_: str, row: PrintedRow, column: PrintedColumn, value: float | Stated) -> Claim:
        test, needs = self._test(row, column, value)
        stated = value.value if isinstance(value, Stated) else value
        unit = _UNITS.get(column.measure, "%")
        head = " ".join(filter(None, [column.group, column.head]))
        timed = column.measure in ("ttft_s", "e2e_s", "token_share")
        return Claim(
            id=id_,
            location=self.location,
            statement=f"{row.label}: {stated:g}{f' {unit}' if unit else ''}, {head}",
            kind="arithmetic" if isinstance(test, Arithmetic) else "latency" if timed else "accuracy",
            test=test,
            value=stated,
            unit=unit,
            source=self.source,
            needs=needs,
        )

    def _test(self, row: PrintedRow, column: PrintedColumn, value: float | Stated) -> tuple[Test, list[Need]]:
        if isinstance(value, Stated):
            return Arithmetic(kind="equals_arithmetic", formula=value.formula, tolerance=value.tolerance), []
        if row.variant is None:
            return Untestable(why=row.quoted or ""), []
        if column.measure == "given":
            return Untestable(why="a fact of the paper's own set-up"), []
        if column.measure in ("ttft_s", "e2e_s"):
            return Untestable(why="seconds belong to the paper's GPU; their ratios are claims of their own"), []
        if column.measure.startswith("recall@"):
            recall = Recall(method=row.method or "", measure=column.measure, tolerance=self.tolerance)
            return recall, [Need(variant=row.variant)]
        need = Need(variant=row.variant, sampling=row.sampling, benchmark=column.benchmark)
        if column.measure == "token_share":
            assert self.full is not None  # checked above
            return TokenShare(tolerance=self.tolerance), [need, self.full.model_copy(update={"benchmark": column.benchmark})]
        return Within(of="paper", measure=column.measure, tolerance=self.tolerance), [need]
