"""Where a study's videos come from: procedural worlds, anybody's clips or captioned videos, published datasets and benchmarks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section
from framethrift.config.long_video_qa import LongVideoQA

SPLITS = ("train", "validation", "test")


class Splits(Section):
    """Number of videos per split; the splits are drawn from disjoint seeds."""

    train: int = Field(ge=0, description="Training videos.")
    validation: int = Field(ge=0, description="Validation videos: settings are chosen on these only.")
    test: int = Field(ge=0, description="Test videos.")

    @model_validator(mode="after")
    def _not_empty(self) -> "Splits":
        if not (self.train or self.validation or self.test):
            raise ValueError("train, validation and test are all 0: the dataset would be empty; allowed: at least one video")
        return self


class MotionWorld(Section):
    """Short videos in which two textured objects move once each; key frames alone do not show how."""

    kind: Literal["motion_world"] = "motion_world"
    recipe: str = Field(description="Name of the re-encoding recipe; its gop and window must equal this world's.")
    seed: int = Field(0, ge=0, description="Seed of the world; every video derives its own from it, its split and its index.")
    videos: Splits = Splits(train=2000, validation=200, test=300)
    width: int = Field(96, ge=64, multiple_of=2, description="Width in pixels.")
    height: int = Field(96, ge=64, multiple_of=2, description="Height in pixels.")
    fps: float = Field(25.0, gt=0, description="Frames per second.")
    gops: int = Field(2, ge=2, description="GOPs per video; the two objects move in different GOPs.")
    gop: int = Field(16, ge=4, description="Frames per GOP.")
    window: int = Field(4, ge=2, description="Fusion window: an object moves during exactly one of them.")
    object_size: int = Field(25, ge=9, description="Side of an object's box in pixels.")
    slow: float = Field(1.5, gt=0, description="Pixels per frame of a slow motion.")
    fast: float = Field(3.0, gt=0, description="Pixels per frame of a fast motion.")
    background_texture: int = Field(10, ge=0, le=60, description="Amplitude of the static background noise, grey levels.")
    object_texture: int = Field(40, ge=0, le=50, description="Amplitude of the noise on the objects, grey levels.")

    @property
    def reach(self) -> float:
        """Pixels an object is displaced by a fast motion."""
        return self.fast * self.window

    @model_validator(mode="after")
    def _possible(self) -> "MotionWorld":
        if self.gop % self.window or self.gop == self.window:
            divisors = [n for n in range(2, self.gop) if self.gop % n == 0]
            raise ValueError(f"window {self.window} must divide gop {self.gop} into at least 2 slots; allowed: {divisors}")
        if self.slow >= self.fast:
            raise ValueError(f"slow {self.slow} must be below fast {self.fast}")
        # A side holds reach, object, a gap of one reach, object, reach; and a displaced object's centre stays in its quadrant.
        needed = max(2 * self.object_size + 3 * self.reach, self.object_size + 4 * self.reach) + 4
        if min(self.width, self.height) < needed:
            raise ValueError(
                f"width {self.width} x height {self.height} is too small for two objects of {self.object_size} pixels "
                f"displaced by fast x window = {self.reach:g} pixels; allowed: at least {needed:g} x {needed:g}"
            )
        return self


class NeedleWorld(Section):
    """Long videos, mostly empty or cluttered, with a few short and long events that questions ask for."""

    kind: Literal["needle_world"] = "needle_world"
    recipe: str = Field(description="Name of the re-encoding recipe.")
    seed: int = Field(0, ge=0, description="Seed of the world; every video derives its own from it, its split and its index.")
    videos: Splits = Splits(train=800, validation=200, test=300)
    width: int = Field(48, ge=32, multiple_of=2, description="Width in pixels.")
    height: int = Field(48, ge=32, multiple_of=2, description="Height in pixels.")
    fps: float = Field(1.0, gt=0, description="Frames per second.")
    frames: int = Field(96, ge=24, description="Frames per video, all of them candidates.")
    short_events: int = Field(3, ge=3, le=5, description="Short events per video.")
    long_events: int = Field(2, ge=1, le=3, description="Long events per video; they fill a plain top-k.")
    short_frames: tuple[int, int] = Field((2, 3), description="Fewest and most frames of a short event.")
    long_frames: tuple[int, int] = Field((12, 19), description="Fewest and most frames of a long event.")
    object_size: int = Field(15, ge=9, description="Side of an event's shape in pixels.")
    pairs: bool = Field(
        False,
        description=(
            "Also ask for the colours of two separated short events in one question: needs both events, not their order, which a "
            "small model learns last."
        ),
    )
    decoy_share: float = Field(0.5, ge=0, le=1, description="Share of the frames between events with look-alikes or clutter.")
    texture: int = Field(14, ge=0, le=60, description="Amplitude of the static background noise, grey levels.")
    noise: int = Field(6, ge=0, le=40, description="Amplitude of the noise that changes with every frame, grey levels.")
    brightness_jitter: float = Field(0.25, ge=0, lt=1, description="Brightness of a frame is drawn from 1 ± this.")

    @model_validator(mode="after")
    def _possible(self) -> "NeedleWorld":
        for name in ("short_frames", "long_frames"):
            low, high = getattr(self, name)
            if not 1 <= low <= high:
                raise ValueError(f"{name} {[low, high]} must be two numbers, the first at least 1 and not above the second")
        events = self.short_events + self.long_events
        if events > 6:
            raise ValueError(
                f"short_events {self.short_events} + long_events {self.long_events} exceed the 6 shapes; allowed: at most 6"
            )
        needed = self.short_events * self.short_frames[1] + self.long_events * self.long_frames[1] + events + 1
        if self.frames < needed:
            raise ValueError(
                f"frames {self.frames} cannot hold the longest events with a gap around each; allowed: at least {needed}"
            )
        if self.object_size > min(self.width, self.height) - 8:
            raise ValueError(
                f"object_size {self.object_size} leaves no room to jitter; allowed: at most {min(self.width, self.height) - 8}"
            )
        return self


class Clips(Section):
    """A folder of anybody's video files, without questions."""

    kind: Literal["clips"] = "clips"
    recipe: str = Field(description="Name of the re-encoding recipe.")
    folder: str = Field(min_length=1, description="Folder searched recursively; relative to where the command is run.")
    test_share: float = Field(
        0.2, ge=0, le=1, description="Share of the files, chosen by a hash of their path, that is held out as test."
    )


class Official(Section):
    """A published instruction-tuning dataset in the layout of LLaVA-Video-178K (CoPE Supp. D)."""

    kind: Literal["official"] = "official"
    recipe: str = Field(description="Name of the re-encoding recipe.")
    listing: str = Field(
        min_length=1, description="YAML file that lists annotation files (datasets: json_path, sampling_strategy)."
    )
    folder: str = Field(min_length=1, description="Folder with the extracted videos: <data_source>/<video> or <video>.")
    licence: str = Field(min_length=1, description="Licence of the dataset, repeated in the report.")
    seed: int = Field(0, ge=0, description="Seed of the listing's random:N sampling strategies.")
    validation_share: float = Field(
        0.01, ge=0, lt=1, description="Share of the videos, chosen by a hash, kept for validation (paper silent)."
    )


class Published(Section):
    """Questions and videos of published benchmarks, read from the data root or the Hugging Face cache; all of them are test."""

    kind: Literal["benchmark"] = "benchmark"
    recipe: str = Field(description="Name of the re-encoding recipe.")
    source: str = Field(description="Name in framethrift/config/sources.yaml; its benchmarks share these videos.")


Dataset = Annotated[MotionWorld | NeedleWorld | Clips | LongVideoQA | Official | Published, Field(discriminator="kind")]
