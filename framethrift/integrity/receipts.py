"""Receipts: size, digest and origin of every declared output, written when its job is done and checked by whoever reads it.

results/<study>/receipts/<path of the output>.json. A file without a receipt comes from a job that did not finish, whatever a
scheduler says about it. Settings and code are kept once per state, in receipts/origins/<digest>.json.
"""

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framethrift.config.digest import rule_code, rule_digest, rule_settings, rule_version, settings_digest
from framethrift.config.jobs import Job
from framethrift.config.layout import Layout
from framethrift.config.study import Study
from framethrift.files import file_digest, write_json
from framethrift.integrity.content import complaint

ORIGINS, VERIFIED = "origins", "verified"  # folders beside the receipts
REPORTS = "reports"  # what receipts call the folder of the report


class IntegrityError(ValueError):
    """A file that is not what its job wrote; the message names it and the command that repairs it."""


@dataclass(frozen=True)
class Receipt:
    """What is known about one declared output.

    `files` are paths relative to the study's folder with size and SHA-256: the output itself, and what lies beside it and
    belongs to it. `settings`, `code` and `study` name origins; `version` is that of a training rule. `inputs` are the declared
    inputs with the digests they had; `arguments` are the words that name the study on the command line.
    """

    output: str
    rule: str
    names: dict[str, Any]
    digest: str
    settings: str
    version: int | None
    code: str
    study: str
    inputs: dict[str, str]
    files: dict[str, dict[str, Any]]
    arguments: list[str]
    slurm: bool
    finished: str

    def job(self) -> str:
        """The job in words."""
        return " ".join([self.rule, *(f"{name}={value}" for name, value in self.names.items())])


def receipt_path(layout: Layout, output: Path | str) -> Path:
    """Where the receipt of a declared output lies."""
    return layout.receipts / f"{_inside(layout, output)}.json"


def read_receipt(layout: Layout, output: Path | str) -> Receipt | None:
    """The receipt of an output; None when there is none. Raises IntegrityError for one that cannot be read."""
    return load_receipt(receipt_path(layout, output))


def load_receipt(path: Path) -> Receipt | None:
    """The receipt in a file; None when there is no such file. Raises IntegrityError for one that cannot be read."""
    try:
        return Receipt(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{path} is no receipt ({error}): delete it and its output, and run again") from error


def write_receipts(layout: Layout, study: Study, job: Job, inputs: dict[str, str], arguments: Sequence[str]) -> None:
    """Check every output of a finished job by its content, and write its receipt. Raises IntegrityError for a bad output."""
    settings, code = rule_settings(study, job.rule, *job.deciding), rule_code(job.rule)
    whole = study.model_dump(mode="json")
    facts = {
        "rule": job.rule,
        "names": dict(job.names),
        "digest": rule_digest(study, job.rule, *job.deciding),
        "settings": settings,
        "version": rule_version(job.rule),
        "code": _keep(layout, code),
        "study": _keep(layout, whole),
        "inputs": inputs,
        "arguments": list(arguments),
        "slurm": "SLURM_JOB_ID" in os.environ,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for output in job.writes:
        files = {_inside(layout, path): _facts(path) for path in belonging(Path(output))}
        receipt = Receipt(output=_inside(layout, output), files=files, **facts)  # type: ignore[arg-type]
        write_json(receipt_path(layout, output), asdict(receipt))


def belonging(output: Path) -> list[Path]:
    """An output, and the undeclared files beside it that it speaks for (a model's are in its own manifest, videos in tables)."""
    if output.parent.name == "answers":
        return [output, output.with_suffix(".jsonl")]
    pattern = {"cells.json": "*.jsonl", "quarantine.parquet": "construction/*.parquet"}.get(output.name)
    return [output, *sorted(output.parent.glob(pattern))] if pattern else [output]


def origin(layout: Layout, digest: str) -> Any:
    """Settings or code that a receipt names; None when they were not kept."""
    path = layout.receipts / ORIGINS / f"{digest}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def snakemake_command(arguments: Sequence[str], slurm: bool) -> str:
    """The command line that runs a study again, from the words that name it (--study X --set a=b …)."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    config = [f"study={value}" for option, value in pairs if option == "--study"]
    overrides = [value for option, value in pairs if option == "--set"]
    if overrides:
        config.append(f"set={json.dumps(overrides, ensure_ascii=False)}")
    profile = "slurm" if slurm else "workflow/profiles/default"
    return shlex.join(["snakemake", "--profile", profile, "--config", *config])


def _facts(path: Path) -> dict[str, Any]:
    wrong = complaint(path)
    if wrong:
        raise IntegrityError(f"{path} {wrong}, though its step ended without an error: is the disk full? Run the step again")
    return {"size": path.stat().st_size, "sha256": file_digest(path)}


def _inside(layout: Layout, path: Path | str) -> str:
    """A path relative to the study's folder, or below `reports` what lies beside the report.

    Raises ValueError for any other path.
    """
    place = _place(layout, path)
    if place is None:
        raise ValueError(f"{path} lies neither in {layout.root} nor in {layout.report.parent}")
    return place


def _place(layout: Layout, path: Path | str) -> str | None:
    inside = Path(os.path.abspath(path))  # links stay links: a study may keep its models on another disk
    for folder, name in ((layout.root, ""), (layout.report.parent, REPORTS)):
        if inside.is_relative_to(os.path.abspath(folder)):
            return (Path(name) / inside.relative_to(os.path.abspath(folder))).as_posix()
    return None


def given(layout: Layout, path: Path | str) -> bool:
    """Whether a declared input is a file of the user's own, which no job makes and no receipt describes."""
    return _place(layout, path) is None


def outside(layout: Layout, name: str) -> Path:
    """The path that a receipt calls `name`."""
    first, _, rest = name.partition("/")
    return layout.report.parent / rest if first == REPORTS else layout.root / name


def _keep(layout: Layout, content: Any) -> str:
    digest = settings_digest(content)
    path = layout.receipts / ORIGINS / f"{digest}.json"
    if not path.is_file():
        write_json(path, content)
    return digest
