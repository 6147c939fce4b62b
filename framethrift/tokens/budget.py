"""What a token stream costs: the one place where visual tokens are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from framethrift.tokens.stream import StreamItem


class ContextOverflow(ValueError):
    """A sequence that is longer than the language model's context."""


@dataclass(frozen=True)
class TokenCosts:
    """Tokens of one I-frame and of one fused P-frame.

    CoPE at LLaVA-Video's size: 196 image tokens in 14 rows, 8 Δ-tokens and 2 newlines (Table H.5's caption), i.e. 210 and 10.
    """

    image_tokens: int
    newline_tokens: int
    delta_tokens: int
    delta_newlines: int

    @classmethod
    def of(cls, grid: int, motion_tokens: int, residual_tokens: int) -> "TokenCosts":
        """Costs of frames pooled to grid × grid tokens and of P-frames with these branches; one without tokens costs none."""
        branches = (motion_tokens, residual_tokens)
        return cls(grid * grid, grid, sum(branches), sum(tokens > 0 for tokens in branches))

    @property
    def i_frame(self) -> int:
        """Tokens of an I-frame: its image tokens and a newline token per row of the grid."""
        return self.image_tokens + self.newline_tokens

    @property
    def p_frame(self) -> int:
        """Tokens of a fused P-frame: its Δ-tokens and the newline token after each branch's."""
        return self.delta_tokens + self.delta_newlines


def token_budget(shown: Sequence[StreamItem] | tuple[int, int], costs: TokenCosts) -> int:
    """Visual tokens of a stream, given as its items or as (I-frames, P-frames).

    Table H.5's rows 880, 1760 and 2640 are (4, 4), (8, 8) and (12, 12): half of the slots as key frames. Its caption,
    "1 keyframe per GOP", would give 280, 360 and 440 (1 + 7, 1 + 15, 1 + 23).
    """
    images, deltas = _counts(shown)
    return images * costs.i_frame + deltas * costs.p_frame


def gops_that_fit(context: int, costs: TokenCosts, i_frames: int, p_frames: int, text_tokens: int = 0) -> int:
    """How many GOPs of `i_frames` + `p_frames` fit into `context` tokens beside `text_tokens` of text.

    Raises ValueError when a GOP would cost nothing.
    """
    per_gop = token_budget((i_frames, p_frames), costs)
    if per_gop <= 0:
        raise ValueError(f"a GOP of {i_frames} I-frames and {p_frames} P-frames costs {per_gop} tokens; give at least one frame")
    return max(0, context - text_tokens) // per_gop


def seconds_that_fit(context: int, costs: TokenCosts, i_frames: int, p_frames: int, gop_seconds: float = 8.0) -> int:
    """Whole seconds of video that fit into `context` tokens: floor(gop_seconds * context / tokens per GOP), as Fig. 4b counts."""
    return int(gop_seconds * context / token_budget((i_frames, p_frames), costs))


def require_fit(
    shown: Sequence[StreamItem],
    costs: TokenCosts,
    context: int,
    text_tokens: int,
    sampling: str,
    lower: Literal["max_gops", "frames"] = "max_gops",
) -> None:
    """Refuse what does not fit into `context` tokens beside `text_tokens` of text.

    `lower` is the sampling's field that decides how much is shown. Raises ContextOverflow naming the sampling, both sizes and the
    largest value of that field that fits.
    """
    visual = token_budget(shown, costs)
    if visual + text_tokens <= context:
        return
    images, deltas = _counts(shown)
    room, what = max(0, context - text_tokens), f"{images} I-frames and {deltas} P-frames"
    if lower == "max_gops":
        number = len({item.gop for item in shown})
        what += f" of {number} GOPs"
        advice = f"Lower max_gops to {room * number // visual}, or show fewer key frames per GOP"
    elif not deltas:
        what, advice = f"{images} frames", f"Lower frames to {room // costs.i_frame}"
    else:
        # A frame that is not chosen stays as a P-frame.
        spared = costs.i_frame - costs.p_frame
        largest = images + (room - visual) // spared if spared > 0 else 0
        advice = f"Lower frames to {largest}" if largest > 0 else "The P-frames are too many for any number of frames"
        advice += ", or lengthen the recipe's window"
    raise ContextOverflow(
        f"sampling {sampling}: {what} are {visual} visual tokens; with {text_tokens} tokens of text they exceed the context of "
        f"{context}. {advice}"
    )


def _counts(shown: Sequence[StreamItem] | tuple[int, int]) -> tuple[int, int]:
    if isinstance(shown, tuple) and len(shown) == 2 and isinstance(shown[0], int) and isinstance(shown[1], int):
        return shown[0], shown[1]
    kinds = [item.kind for item in shown if isinstance(item, StreamItem)]
    return kinds.count("I"), kinds.count("P")
