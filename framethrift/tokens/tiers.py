"""Q-Frame's resolution tiers: at which size a frame is shown by its rank, and what frames of several sizes cost."""

from collections.abc import Sequence

from framethrift.config.sampling import Tiered
from framethrift.tokens.budget import ContextOverflow, TokenCosts


def tier_sides(tiers: Tiered, grid: int, frames: int) -> tuple[int, ...]:
    """Sides of the pooled grids of min(frames, high + mid + low) frames by rank, best first: grid, grid/2, grid/4.

    Fewer frames than the tiers hold leave the last ranks out. A side that is not whole is rounded, halves to the even number,
    and never below 1. At LLaVA-Video's grid of 14 the sides are 14, 7 and 4. The authors make the pictures smaller before the
    tower sees them; here the tower sees all at full size, and its features are pooled to the smaller grid.
    """
    counts = ((tiers.high, 1), (tiers.mid, 2), (tiers.low, 4))
    sides = [max(1, round(grid / divisor)) for count, divisor in counts for _ in range(count)]
    return tuple(sides[:frames])


def frames_budget(sides: Sequence[int]) -> int:
    """Visual tokens of I-frames pooled to grids of these sides, a newline token per row with them.

    Without newlines 4 + 8 + 32 frames cost as much as 8 whole ones where 4 divides the grid's side: high + mid/4 + low/16.
    """
    return sum(TokenCosts.of(side, 0, 0).i_frame for side in sides)


def require_tiers_fit(sides: Sequence[int], context: int, text_tokens: int, sampling: str) -> None:
    """As `require_fit`, for frames pooled to grids of these sides; raises ContextOverflow."""
    visual = frames_budget(sides)
    if visual + text_tokens <= context:
        return
    prices = ", ".join(f"{frames_budget([side])} at side {side}" for side in sorted(set(sides), reverse=True))
    raise ContextOverflow(
        f"sampling {sampling}: {len(sides)} frames in tiers are {visual} visual tokens; with {text_tokens} tokens of text they "
        f"exceed the context of {context}. Lower high, mid or low by {visual + text_tokens - context} tokens; each is {prices}"
    )
