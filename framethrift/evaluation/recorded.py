"""The file of recorded example conversations: dialogues/<variant>/<sampling>/seed<k>.json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Part):
    """One frame shown: its time in seconds, and whether it stood there whole (I) or as Δ-tokens (P)."""

    time: float
    kind: Literal["I", "P"]


class RecordedTurn(_Part):
    """One question and its answer; `parsed` and `score` as in a cell's lines.

    `read_tokens` were read for this turn alone before its first token: with the video in the first turn, without it later.
    `ttft_s` goes from the turn's begin (in the first turn, from the file on disk) to the first token, `seconds` to the last.
    """

    question_id: str
    question: str
    options: list[str]
    answer: str
    raw: str
    parsed: str | None
    score: float | None
    read_tokens: int = Field(ge=1)
    ttft_s: float = Field(gt=0)
    seconds: float = Field(gt=0)


class RecordedVideo(_Part):
    """One conversation about one video."""

    video_id: str
    shown: list[Item]
    visual_tokens: int = Field(ge=0)
    turns: list[RecordedTurn] = Field(min_length=1)


class Recording(_Part):
    """All conversations of one (variant, sampling, seed): digests of weights and tables, and what it was timed on."""

    variant: str
    sampling: str
    seed: int
    benchmark: str
    digests: dict[str, str]
    machine: dict[str, str | int]
    videos: list[RecordedVideo] = Field(min_length=1)
