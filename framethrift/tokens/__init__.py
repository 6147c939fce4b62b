"""The token stream a video is shown as, and what it costs; imports no torch."""

from framethrift.tokens.budget import ContextOverflow, TokenCosts, gops_that_fit, require_fit, seconds_that_fit, token_budget
from framethrift.tokens.slots import Slots, adaptive_slots, fixed_slots
from framethrift.tokens.stream import StreamItem, last_p_frames, plan_selected, plan_stream
from framethrift.tokens.tiers import frames_budget, require_tiers_fit, tier_sides

__all__ = [
    "ContextOverflow",
    "Slots",
    "StreamItem",
    "TokenCosts",
    "adaptive_slots",
    "fixed_slots",
    "frames_budget",
    "gops_that_fit",
    "last_p_frames",
    "plan_selected",
    "plan_stream",
    "require_fit",
    "require_tiers_fit",
    "seconds_that_fit",
    "tier_sides",
    "token_budget",
]
