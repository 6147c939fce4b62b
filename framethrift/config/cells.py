"""Which cells a study computes."""

from pydantic import Field

from framethrift.config.base import Section


class Cells(Section):
    """A block of cells: every variant under every sampling on every benchmark, for every seed of the study."""

    variants: list[str] = Field(min_length=1, description="Variants of the study.")
    samplings: list[str] = Field(min_length=1, description="Samplings of the study.")
    benchmarks: list[str] = Field(min_length=1, description="Benchmarks of the registry.")


class Latency(Section):
    """Time to first token and end-to-end latency (Fig. 4a)."""

    variant: str = Field(description="Variant whose model is timed.")
    samplings: list[str] = Field(min_length=1, description="Samplings timed, each on the same clip.")
    output_tokens: int = Field(64, ge=1, description="Tokens generated for the end-to-end latency (Fig. 4a: 64).")
    seconds: float = Field(64.0, gt=0, description="Length of the timed clip in seconds (Fig. 4a: 64 s at 1 FPS).")
    repeats: int = Field(5, ge=1, description="Timed repetitions after one warm-up; the median is reported.")
