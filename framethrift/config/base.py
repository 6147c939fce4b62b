"""The strict base of every configuration section."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a study: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
