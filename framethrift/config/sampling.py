"""How a video is shown to a variant: which frames are I, which are P, which are dropped."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section
from framethrift.config.reduction import Reduction

Order = Literal["time", "shuffled"]
DeltaUse = Literal["keep", "drop", "zero", "swap", "motion-only", "residual-only", "gop-mean"]
Energy = Literal["vectors", "packet_size"]


class Stream(Section):
    """Key frames and fused P-frames of the video's GOPs (CoPE Sec. 4.1): k key frames + (GOP/s − k) P-frames per GOP."""

    kind: Literal["stream"] = "stream"
    keyframes_per_gop: int = Field(1, ge=1, description="k: evenly spaced slots of a GOP shown as I-frames.")
    delta: DeltaUse = Field(
        "keep",
        description=(
            "P-frames: keep; drop (key frames only); zero (Δ-tokens zeroed, Table H.3); swap (another video's, the fairer "
            "control); one branch only (what Video-LaVIT and EMA drop); or gop-mean (each GOP's Δ-tokens averaged into those of "
            "one P-frame, an order-collapsed summary as EMA makes)."
        ),
    )
    window: int | None = Field(
        None,
        ge=1,
        description=(
            "Fusion window s at inference, where it differs from the recipe's: a shorter one shows more frames per second "
            "(Table H.5). It must divide the recipe's gop; null takes the recipe's."
        ),
    )
    max_gops: int = Field(64, ge=1, description="Longer videos show this many uniformly chosen GOPs (Sec. 4.1).")
    order: Order = Field("time", description="Order of the stream's entries; shuffled is the control for the sense of time.")
    fusion: Literal["fixed", "adaptive"] = Field(
        "fixed",
        description=(
            "Fusion windows: fixed (the recipe's, as in the paper), or adaptive (CoPE's future work): short where much moves, "
            "long where little does, over all shown GOPs."
        ),
    )
    energy: Energy = Field(
        "vectors",
        description=(
            "What adaptive fusion takes for motion: mean length of the vectors (frames are decoded once more), or packet_size "
            "(bytes; nothing is decoded)."
        ),
    )
    budget: int | None = Field(
        None,
        ge=1,
        description="Visual tokens that adaptive fusion may spend per video; null spends what fixed fusion would.",
    )
    reducer: Reduction | None = Field(None, description="Fewer tokens of the I-frames, at inference only; null keeps all.")

    @model_validator(mode="after")
    def _adaptive(self) -> "Stream":
        if self.fusion == "fixed" and (self.budget is not None or self.energy != "vectors"):
            raise ValueError("energy and budget belong to adaptive fusion: set fusion to adaptive, or leave them out")
        if self.fusion == "adaptive" and self.window is not None:
            raise ValueError(f"window {self.window} belongs to fixed fusion: adaptive fusion finds its own windows; leave it out")
        return self


class Select(Section):
    """K frames picked by a frame selector from candidates at a fixed rate (MSJoE 1.2, and every rival)."""

    kind: Literal["select"] = "select"
    selector: str = Field("uniform", description="Name of a frame selector in framethrift/selectors.")
    frames: int = Field(32, ge=1, description="K, frames shown.")
    candidate_fps: float = Field(1.0, gt=0, description="Candidate frames per second.")
    queries: Literal["none", "reasoned", "question"] = Field(
        "none", description="What scores the frames: nothing, the MLLM's visual queries, or the bare question."
    )
    reducer: Reduction | None = Field(None, description="Fewer tokens of the frames, at inference only; null keeps all.")
    order: Order = Field("time", description="Order of the chosen frames; shuffled is the control for the sense of time.")
    rest: Literal["drop", "delta"] = Field(
        "drop",
        description=(
            "Frames that are not chosen: drop, or delta (CoPE x MSJoE: the chosen frames are the I-frames of a token stream, "
            "every other slot of the video's GOPs is a fused P-frame)."
        ),
    )

    @model_validator(mode="after")
    def _stream_as_it_is(self) -> "Select":
        if self.rest == "delta" and (self.reducer is not None or self.order != "time"):
            raise ValueError("rest: delta makes a token stream in temporal order; leave reducer and order out")
        return self

    @model_validator(mode="after")
    def _replays_a_file(self) -> "Select":
        if self.selector == "replay" and not isinstance(self, Replay):
            raise ValueError("selector: 'replay' shows the frames that a file names; use kind: replay with indices: FILE")
        return self


class Replay(Select):
    """Frames that a published index file names per question: a selector whose weights cannot be run, on the same backbone."""

    kind: Literal["replay"] = "replay"  # type: ignore[assignment]
    selector: Literal["replay"] = Field("replay", description="Taken as it is from the file.")
    queries: Literal["none"] = Field("none", description="The file's own method has scored the frames.")
    indices: str = Field(
        min_length=1,
        description=(
            "JSONL file, relative to where the command is run: a question_id per line with times (seconds), or with index (frame "
            "numbers of the source video) and its fps; best first. The candidate nearest to each is taken."
        ),
    )


class Tiered(Select):
    """Frames at resolutions that follow their ranks (Q-Frame, ICCV 2025): the first at full size, then half, then a quarter."""

    kind: Literal["tiered"] = "tiered"  # type: ignore[assignment]
    selector: Literal["q_frame", "top_k", "top_k_mean", "msjoe", "tspo"] = Field(
        "q_frame", description="A frame selector that ranks its frames."
    )
    frames: int = Field(0, ge=0, description="high + mid + low frames, which are counted: leave it out.")
    queries: Literal["reasoned", "question"] = Field(
        "question", description="What scores the frames: the MLLM's visual queries, or the bare question."
    )
    high: int = Field(4, ge=1, description="Best frames, at full size.")
    mid: int = Field(8, ge=0, description="Next frames, at half the side: a quarter of the tokens each.")
    low: int = Field(32, ge=0, description="Last frames, at a quarter of the side: a sixteenth of the tokens each.")

    @model_validator(mode="after")
    def _in_tiers(self) -> "Tiered":
        if self.rest != "drop" or self.reducer is not None or self.order != "time":
            raise ValueError("tiered frames are shown alone, whole and in temporal order; leave rest, reducer and order out")
        total = self.high + self.mid + self.low
        if self.frames not in (0, total):
            raise ValueError(f"frames {self.frames}: high + mid + low are {total}; leave frames out")
        object.__setattr__(self, "frames", total)  # frozen, and known only now
        return self


class Blind(Section):
    """No video at all: the control every benchmark is checked against."""

    kind: Literal["blind"] = "blind"


class Chance(Section):
    """A random choice among a question's options, drawn from the seed; no model is asked."""

    kind: Literal["chance"] = "chance"


Sampling = Annotated[Stream | Select | Tiered | Replay | Blind | Chance, Field(discriminator="kind")]
