"""The arena: token reducers on equal terms, one cell each from a list of methods and budgets."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from framethrift.config.base import Section
from framethrift.config.cells import Cells
from framethrift.config.reduction import Options, Reduction
from framethrift.config.sampling import Sampling, Select, Stream

Method = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]


class Arena(Section):
    """Every method at every budget, on the tokens that the variants are shown under one sampling.

    Method `m` at budget `b` is the sampling `<m>_<b>`, as if it stood among the study's; its cells are those of all variants.
    """

    variants: list[str] = Field(min_length=1, description="Variants whose tokens are reduced.")
    sampling: str = Field(description="Sampling of the study whose tokens are reduced; the row that keeps all of them.")
    methods: list[Method] = Field(min_length=1, description="Names of reducers in framethrift/reducers.")
    budgets: list[int] = Field([5, 10, 25, 50], min_length=1, description="Shares of the tokens to keep, in whole %.")
    options: dict[str, Options] = Field(default_factory=dict, description="Method → its own options.")
    benchmarks: list[str] = Field(min_length=1, description="Benchmarks of the registry.")

    @field_validator("budgets")
    @classmethod
    def _percent(cls, budgets: list[int]) -> list[int]:
        if not all(0 < budget < 100 for budget in budgets):
            raise ValueError(f"{budgets}: allowed: whole % above 0 and below 100")
        return budgets

    @field_validator("options")
    @classmethod
    def _of_methods(cls, options: dict[str, Options], info) -> dict[str, Options]:  # type: ignore[no-untyped-def]
        unknown = sorted(options.keys() - info.data.get("methods", options.keys()))
        if unknown:
            raise ValueError(f"options of {unknown}, which are not among the methods")
        return options

    def entries(self, budget: int) -> list[str]:
        """Names of the samplings of a budget, in the order of the methods."""
        return [f"{method}_{budget}" for method in self.methods]

    def samplings(self, shown: Stream | Select) -> dict[str, Sampling]:
        """Every method at every budget on what `shown` shows, by name."""
        return {
            name: shown.model_copy(
                update={"reducer": Reduction(name=method, share=budget / 100, options=self.options.get(method, {}))}
            )
            for budget in self.budgets
            for name, method in zip(self.entries(budget), self.methods, strict=True)
        }

    def cells(self) -> Cells:
        """Their cells, and those of the sampling that keeps all tokens."""
        names = [self.sampling, *(name for budget in self.budgets for name in self.entries(budget))]
        return Cells(variants=self.variants, samplings=names, benchmarks=self.benchmarks)
