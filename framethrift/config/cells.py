"""Which cells a study computes, what it times, and which example conversations it holds."""

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


class Dialogues(Section):
    """Example conversations: several questions about one video, each behind the answers before it (CoPE Fig. 6-8)."""

    variant: str = Field(description="Variant that is asked: a VideoLM.")
    sampling: str = Field(description="Sampling that shows the video, once per conversation.")
    benchmark: str = Field(description="Benchmark of the registry whose test questions are asked.")
    videos: int = Field(3, ge=1, description="Conversations, each about one video: the first by id that have enough questions.")
    turns: int = Field(3, ge=2, description="Questions per conversation.")
