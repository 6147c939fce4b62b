"""Reading a study from YAML, with overrides, and with errors that name field, value and what is allowed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from framethrift.config.benchmarks import check_benchmarks
from framethrift.config.dialogues import check_dialogues
from framethrift.config.showing import check_showing
from framethrift.config.study import Study, merge

STUDIES = Path("config/studies")


class StudyError(ValueError):
    """A study file that cannot be used; the message names every offending field."""


def load_study(study: str | Path, overrides: Iterable[str] = ()) -> Study:
    """Load `config/studies/<study>.yaml` (or a path to a YAML file) and lay `overrides` over it.

    An override is `dotted.field=value` with a YAML value, or `clips=FOLDER`, which takes a folder of clips along.
    Raises StudyError for a missing or malformed file and for every invalid field.
    """
    path = Path(study) if str(study).endswith((".yaml", ".yml")) else STUDIES / f"{study}.yaml"
    if not path.is_file():
        known = sorted(p.stem for p in STUDIES.glob("*.yaml"))
        raise StudyError(f"study {str(study)!r}: {path} does not exist; known studies: {known}")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise StudyError(f"{path}: a study is a mapping of sections, found {type(raw).__name__}")
    for override in overrides:
        field, separator, value = override.partition("=")
        if not separator:
            raise StudyError(f"override {override!r}: expected field=value")
        raw = _with_clips(raw, value) if field == "clips" else merge(raw, _nested(field.split("."), _parsed(override, value)))
    try:
        loaded = Study.model_validate(raw)
        check_benchmarks(loaded)
        check_dialogues(loaded)
        check_showing(loaded)
    except ValidationError as error:
        raise StudyError(describe(path, error)) from error
    except ValueError as error:
        raise StudyError(f"{path}: {error}") from error
    return loaded


def describe(path: Path, error: ValidationError) -> str:
    """One line per offending field: its path, what is wrong and the value found."""
    lines = [f"{path}: {error.error_count()} invalid field(s)"]
    for item in error.errors(include_url=False):
        where = ".".join(str(part) for part in item["loc"]) or "study"
        message = item["msg"].removeprefix("Value error, ")
        value = item["input"]
        shown = "" if isinstance(value, dict | list) or where == "study" else f" (found {value!r})"
        lines.append(f"  {where}: {message}{shown}")
    return "\n".join(lines)


def _parsed(override: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise StudyError(f"override {override!r}: the value is not valid YAML: {error}") from error


def _nested(keys: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return value


def _with_clips(raw: dict[str, Any], folder: str) -> dict[str, Any]:
    """Add the folder as dataset `clips`: codec stage, inspection, Δ pre-training and retrieval take it along."""
    if not Path(folder).is_dir():
        raise StudyError(f"clips: {folder!r} is not a folder")
    recipe = next(iter(raw.get("recipes", {"": None})))
    delta = raw.get("training", {}).get("delta", {})
    added = {
        "datasets": {"clips": {"kind": "clips", "folder": folder, "recipe": recipe}},
        "training": {"delta": {"datasets": [*delta.get("datasets", []), "clips"]}},
    }
    return merge(raw, added)
