"""Published index files: which seconds of its video another selector has ranked for each question."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt, ValidationError, model_validator

from framethrift.selectors import SelectionError

Ranked = Mapping[str, tuple[float, ...]]  # question id → seconds, best first


class _Row(BaseModel):
    """One line. Published files say more about a question than is needed here."""

    model_config = ConfigDict(extra="ignore", strict=True)

    question_id: str = Field(min_length=1)
    times: tuple[Annotated[FiniteFloat, Field(ge=0)], ...] | None = None
    index: tuple[NonNegativeInt, ...] | None = None
    fps: Annotated[FiniteFloat, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "_Row":
        if (self.times is None) == (self.index is None):
            raise ValueError("expected either times or index")
        if (self.index is None) != (self.fps is None):
            raise ValueError("index needs fps, the source video's frames per second; times are seconds and need none")
        return self

    @property
    def seconds(self) -> tuple[float, ...]:
        if self.index is None or self.fps is None:
            return self.times or ()
        return tuple(number / self.fps for number in self.index)


def read_rankings(path: Path) -> Ranked:
    """Question id → seconds of its video, best first, from a JSONL file of `question_id` with `times`, or `index` and `fps`.

    `index` are frame numbers of the source video at a constant `fps`, as VideoITG writes them. Blank lines are passed over.
    Raises FileNotFoundError, and SelectionError with file, line and field for a bad line and for a question's second one.
    """
    found: dict[str, tuple[float, ...]] = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = _Row.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(map(str, first["loc"]))
                raise SelectionError(f"{path}, line {number}: {field + ': ' if field else ''}{first['msg']}") from error
            if row.question_id in found:
                raise SelectionError(f"{path}, line {number}: question_id: {row.question_id!r} has a line already")
            found[row.question_id] = row.seconds
    return found
