"""The claims ledgers: config/claims/<paper>.yaml, the printed tables beside them, and the list of choices."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import Field, ValidationError

from framethrift.config.base import Section
from framethrift.config.claims import Claim
from framethrift.config.printed import PrintedTable

LEDGERS = Path("config/claims")
CHOICES = "choices.yaml"
Model = TypeVar("Model", bound=Section)


class LedgerError(ValueError):
    """A ledger file that cannot be used; the message names file, claim and field."""


class TokenPrices(Section):
    """What a frame costs in the paper's token arithmetic."""

    image_tokens: int = Field(ge=1)
    newline_tokens: int = Field(ge=0)
    delta_tokens: int = Field(ge=1)
    delta_newlines: int = Field(ge=0)


class Ledger(Section):
    """All claims of one paper: `config/claims/<paper>.yaml`."""

    paper: str = Field(description="Short name of the paper.")
    title: str
    reference: str = Field(description="Where it can be read.")
    token_prices: TokenPrices | None = Field(default=None, description="Prices behind tokens(I, P) in formulas.")
    statements: list[Claim] = Field(default_factory=list, alias="claims")
    tables: list[PrintedTable] = Field(default_factory=list, description="From config/claims/tables, one file per table.")

    @property
    def claims(self) -> list[Claim]:
        """Statements, then the printed tables' numbers."""
        return [*self.statements, *(claim for table in self.tables for claim in table.claims())]


class Choice(Section):
    """One decision where a paper is silent, contradicts itself, or cannot be followed."""

    field: str = Field(description="Where the decision sits in the study's configuration, or the step it belongs to.")
    paper: str = Field(description="Which paper.")
    says: str = Field(description="What the paper says, with the place.")
    we: str = Field(description="What is done here.")
    why: str
    nature: Literal["silent", "contradiction", "deviation"] = "silent"


def load_ledgers(folder: Path = LEDGERS) -> list[Ledger]:
    """Every `<paper>.yaml` of `folder` in alphabetical order, each with its tables of `<folder>/tables`.

    Raises LedgerError naming file, claim and field; also when two claims share an id or a table's paper has no ledger.
    """
    paths = sorted(path for path in folder.glob("*.yaml") if path.name != CHOICES)
    if not paths:
        raise LedgerError(f"{folder}: no ledger (*.yaml) found")
    tables = {path: _validated(PrintedTable, path, _yaml(path)) for path in sorted(folder.glob("tables/*.yaml"))}
    ledgers = []
    for path in paths:
        ledger = _validated(Ledger, path, _yaml(path))
        own = [tables.pop(place) for place in list(tables) if tables[place].paper == ledger.paper]
        ledgers.append(ledger.model_copy(update={"tables": own}))
    for place, table in tables.items():
        raise LedgerError(f"{place}: paper {table.paper!r} has no ledger; known: {[ledger.paper for ledger in ledgers]}")
    seen: dict[str, Path] = {}
    for path, ledger in zip(paths, ledgers, strict=True):
        for claim in ledger.claims:
            if claim.id in seen:
                raise LedgerError(f"{path}: claim id {claim.id!r} is already used in {seen[claim.id]}")
            seen[claim.id] = path
    return ledgers


def load_choices(folder: Path = LEDGERS) -> list[Choice]:
    """The list in `<folder>/choices.yaml`; errors as `load_ledgers`."""
    path = folder / CHOICES
    raw = _yaml(path)
    if not isinstance(raw, list):
        raise LedgerError(f"{path}: expected a list of choices, found {type(raw).__name__}")
    return [_validated(Choice, path, item) for item in raw]


def _yaml(path: Path) -> Any:
    if not path.is_file():
        raise LedgerError(f"{path} does not exist")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise LedgerError(f"{path}: not valid YAML: {error}") from error


def _validated(model: type[Model], path: Path, raw: Any) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path}: {error.error_count()} invalid field(s)"]
        for item in error.errors(include_url=False):
            lines.append(f"  {_place(item['loc'], raw)}: {item['msg'].removeprefix('Value error, ')}")
        raise LedgerError("\n".join(lines)) from error


def _place(location: tuple[int | str, ...], raw: Any) -> str:
    """The field's path, with a claim's id in place of its position."""
    parts: list[str] = []
    for key in location:
        try:
            raw = raw[key]
        except (KeyError, IndexError, TypeError):
            raw = None
        parts.append(str(raw["id"]) if isinstance(key, int) and isinstance(raw, Mapping) and "id" in raw else str(key))
    return ".".join(parts) or "ledger"
