"""Training questions about several events of long videos (MSJoE Sec. 4 names such a set, LongVideoQA-ALL, and released none)."""

from typing import Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section


class Splicing(Section):
    """Long videos cut together from short captioned events and stretches of other videos (TSPO's needles)."""

    train: int = Field(ge=0, description="Spliced training videos.")
    validation: int = Field(ge=0, description="Spliced validation videos, made of other files than the training videos.")
    needles: int = Field(6, ge=3, description="Captioned events per video, from different files (TSPO: one, shown 1 to 4 times).")
    needle_seconds: float = Field(50.0, gt=0, description="Longest needle; a longer event shows its middle (TSPO: 50 s).")
    filler_seconds: float = Field(50.0, gt=0, description="Length of a stretch of an unrelated file (TSPO: 50 s).")
    minutes: tuple[float, float] = Field((10.0, 60.0), description="Shortest and longest spliced video (TSPO: 10 to 60).")
    fps: float = Field(1.0, gt=0, description="Frames per second that are taken over (TSPO: 1).")
    width: int = Field(640, ge=32, multiple_of=2, description="Width in pixels; pictures are fitted in, with black bars.")
    height: int = Field(360, ge=32, multiple_of=2, description="Height in pixels.")

    @model_validator(mode="after")
    def _possible(self) -> "Splicing":
        low, high = self.minutes
        if not 0 < low <= high:
            raise ValueError(f"minutes {[low, high]} must be two numbers above 0, the first not above the second")
        if not self.train + self.validation:
            raise ValueError("train and validation are both 0: the dataset would be empty; allowed: at least one video")
        shortest = self.needles * (self.needle_seconds + self.filler_seconds)
        if low * 60 < shortest:
            raise ValueError(
                f"minutes: {low:g} minutes cannot hold {self.needles} needles of up to {self.needle_seconds:g} s with a "
                f"stretch of {self.filler_seconds:g} s between them; allowed: at least {shortest / 60:g}"
            )
        return self


class Quality(Section):
    """Which captioned events may be asked about, and which questions are kept. MSJoE does not print its limits."""

    words: tuple[int, int] = Field((3, 30), description="Fewest and most words of a caption.")
    shortest: float = Field(1.0, ge=0, description="Shortest event in seconds.")
    longest_share: float = Field(0.2, gt=0, le=1, description="Longest event, as a share of its video.")
    alike: float = Field(
        0.6, gt=0, le=1, description="Captions of one video that share this part of their words (Jaccard) are all left out."
    )


class Difficulty(Section):
    """Which training questions are kept by the base model's pass rate c (MSJoE: difficulty is controlled, limits not printed)."""

    too_easy: float = Field(0.9, gt=0, le=1, description="Questions with c of at least this are left out.")
    too_hard: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Questions with c of at most this are left out; null keeps them, as MSJoE's bonus for c = 0 needs.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "Difficulty":
        if self.too_hard is not None and self.too_hard >= self.too_easy:
            raise ValueError(f"too_hard {self.too_hard} must be below too_easy {self.too_easy}, or no question is kept")
        return self


class LongVideoQA(Section):
    """Lettered questions about several events of long videos, made of a folder of videos and a file of captions."""

    kind: Literal["long_video_qa"] = "long_video_qa"
    recipe: str = Field(description="Name of the re-encoding recipe.")
    folder: str = Field(min_length=1, description="Folder with videos, searched recursively; relative to where commands are run.")
    captions: str = Field(
        min_length=1,
        description="JSON or JSON lines: video (relative to the folder), start and end in seconds, caption; one entry per event.",
    )
    licence: str = Field(min_length=1, description="Licence of the videos and captions, repeated in the report.")
    seed: int = Field(0, ge=0, description="Seed of splicing and questions.")
    validation_share: float = Field(0.1, ge=0, lt=1, description="Share of the files, by a hash, kept for validation.")
    splicing: Splicing | None = Field(None, description="Null asks about the folder's videos as they are, where long enough.")
    shortest_minutes: float = Field(
        10.0, ge=0, description="Without splicing, shorter videos are refused (MSJoE: 10 is the average)."
    )
    options: int = Field(4, ge=2, le=8, description="Options per question, all of them events of the same video.")
    questions: int = Field(3, ge=1, description="Most questions per video (MSJoE: 7K about 2.8K videos).")
    writer: Literal["templates", "endpoint"] = Field(
        "templates",
        description=(
            "Who words the questions: templates, offline; or the endpoint of FRAMETHRIFT_JUDGE_URL, _MODEL and _KEY, which sees "
            "the events' captions and times, and whose unusable replies are counted and left out."
        ),
    )
    quality: Quality = Quality()
    difficulty: Difficulty = Difficulty()
