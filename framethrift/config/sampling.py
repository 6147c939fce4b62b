"""How a video is shown to a variant: which frames are I, which are P, which are dropped."""

from typing import Annotated, Literal

from pydantic import Field

from framethrift.config.base import Section

Order = Literal["time", "shuffled"]
DeltaUse = Literal["keep", "drop", "zero", "swap", "motion-only", "residual-only"]


class Stream(Section):
    """Key frames and fused P-frames of the video's GOPs (CoPE Sec. 4.1): k key frames + (GOP/s − k) P-frames per GOP."""

    kind: Literal["stream"] = "stream"
    keyframes_per_gop: int = Field(1, ge=1, description="k: evenly spaced slots of a GOP shown as I-frames.")
    delta: DeltaUse = Field(
        "keep",
        description=(
            "P-frames: keep; drop (key frames only); zero (Δ-tokens zeroed, Table H.3); swap (another video's, the fairer "
            "control); or one branch only."
        ),
    )
    max_gops: int = Field(64, ge=1, description="Longer videos show this many uniformly chosen GOPs (Sec. 4.1).")
    order: Order = Field("time", description="Order of the stream's entries; shuffled is the control for the sense of time.")


class Select(Section):
    """K frames picked by a frame selector from candidates at a fixed rate (MSJoE 1.2, and every rival)."""

    kind: Literal["select"] = "select"
    selector: str = Field("uniform", description="Name of a frame selector in framethrift/selectors.")
    frames: int = Field(32, ge=1, description="K, frames shown.")
    candidate_fps: float = Field(1.0, gt=0, description="Candidate frames per second.")
    queries: Literal["none", "reasoned", "question"] = Field(
        "none", description="What scores the frames: nothing, the MLLM's visual queries, or the bare question."
    )
    order: Order = Field("time", description="Order of the chosen frames; shuffled is the control for the sense of time.")


class Blind(Section):
    """No video at all: the control every benchmark is checked against."""

    kind: Literal["blind"] = "blind"


class Chance(Section):
    """A random choice among a question's options, drawn from the seed; no model is asked."""

    kind: Literal["chance"] = "chance"


Sampling = Annotated[Stream | Select | Blind | Chance, Field(discriminator="kind")]
