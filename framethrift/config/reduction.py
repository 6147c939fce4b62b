"""Fewer visual tokens by a token reducer, after the frames of a sampling are chosen."""

from typing import Literal

from pydantic import Field

from framethrift.config.base import Section

Options = dict[str, bool | int | float | str | list[int]]


class Reduction(Section):
    """A token reducer on the I-frames' tokens, or on the language model's layers, driven to a share of the tokens."""

    name: str = Field(description="Name of a reducer in framethrift/reducers.")
    share: float = Field(gt=0, le=1, description="Share of the tokens to keep; what was achieved is reported.")
    options: Options = Field(default_factory=dict, description="The method's own options, by its module's docstring.")
    newlines: Literal["rows", "frames", "none"] = Field(
        "rows",
        description=(
            "Newline tokens among the kept ones: after each row of a frame that has any (nothing changes at share 1), after each "
            "frame, or none. The papers differ, most bases have none in videos. Baselines keep their own."
        ),
    )
