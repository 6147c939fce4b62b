"""`framethrift doctor`: checks everything a study has on disk, and says how to repair what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from framethrift.config.layout import Layout
from framethrift.files import file_digest
from framethrift.integrity import media, run_state
from framethrift.integrity.findings import Finding, repairs
from framethrift.integrity.receipts import (
    ORIGINS,
    VERIFIED,
    IntegrityError,
    Receipt,
    given,
    load_receipt,
    outside,
    receipt_path,
    snakemake_command,
)

# Declared outputs, as far as their names tell; the report is found through its receipt.
_OUTPUTS = (
    "weights.json", "videos/*/*.parquet", "codec/*/*.parquet", "models/**/framethrift.json", "pass_rates/**/*.parquet",
    "curated/**/*.parquet",
    "cells/**/cells.json", "cells/**/answers/*.json", "cells/*/labels.json", "judged/**/*.json", "retrieval/**/*.json",
    "latency/**/*.json", "dialogues/**/*.json",
)  # fmt: skip


class NoResults(ValueError):
    """There is nothing to examine."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found, and the command lines that repair it."""

    findings: list[Finding]
    repairs: list[str]
    files: int

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong; left-over files are no illness."""
        return all(finding.untidy for finding in self.findings)


def examine(layout: Layout, *, quick: bool = False) -> Diagnosis:
    """Check the files of a study and the state of its last run; `quick` compares sizes of videos and weights, not digests.

    Raises NoResults when the folder holds no study.
    """
    if not layout.root.is_dir():
        raise NoResults(f"{layout.root}: no such folder; give a results folder such as results/mini")
    receipts, findings = _read_receipts(layout)
    arguments, slurm = _newest(layout, receipts)
    command = snakemake_command(arguments, slurm)
    left = list(run_state.findings(layout, command))
    if not receipts and not findings and not left and not any(True for _ in _declared(layout)):
        raise NoResults(f"{layout.root} holds no results of a study; give a results folder such as results/mini")
    findings += [finding for receipt in receipts for finding in _against_receipt(layout, receipt)]
    proven = {str(outside(layout, receipt.output)) for receipt in receipts}
    findings += [
        Finding.remade(path, "has no receipt: the job that makes it did not finish", output=path)
        for path in _declared(layout)
        if str(path) not in proven
    ]
    findings += [*media.model_findings(layout, quick), *media.video_findings(layout, quick)]
    findings += [*media.checkpoint_findings(layout), *media.tracking_findings(layout)]
    findings = [*left, *findings]
    return Diagnosis(findings, repairs(findings, command), len(proven))


def _read_receipts(layout: Layout) -> tuple[list[Receipt], list[Finding]]:
    receipts, findings = [], []
    for path in sorted(layout.receipts.rglob("*.json")):
        if path.relative_to(layout.receipts).parts[0] in (ORIGINS, VERIFIED) or path.name.startswith("."):
            continue
        try:
            receipt = load_receipt(path)
        except IntegrityError:
            output = outside(layout, path.relative_to(layout.receipts).as_posix().removesuffix(".json"))
            findings.append(Finding.remade(path, "is no readable receipt", output=output, beside=[path]))
        else:
            receipts += [receipt] if receipt else []
    return receipts, findings


def _newest(layout: Layout, receipts: list[Receipt]) -> tuple[list[str], bool]:
    """The words that name the study, as its last job knew them; the folder's name when there is no receipt."""
    last = max(receipts, key=lambda receipt: receipt.finished, default=None)
    return (last.arguments, last.slurm) if last else (["--study", layout.root.name], False)


def _declared(layout: Layout) -> Iterator[Path]:
    for pattern in _OUTPUTS:
        found = sorted(layout.root.glob(pattern))
        # A cell answered by one job has its answers within that job: they are no output of their own.
        own = (path for path in found if not path.name.endswith("-of-1.json"))
        yield from (path for path in own if not _hidden(path.relative_to(layout.root)))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _against_receipt(layout: Layout, receipt: Receipt) -> Iterator[Finding]:
    output = outside(layout, receipt.output)
    if not output.is_file():
        # Named as the target of a run, Snakemake makes it; asked for the report alone, it would not miss it.
        yield Finding(str(output), f"is gone; {receipt.job()} made it", make=(str(output),))
        return
    for name, facts in receipt.files.items():
        file = outside(layout, name)
        if not file.is_file():
            yield Finding.remade(file, f"is gone; {receipt.job()} made it", output=output)
        elif file.stat().st_size != facts["size"]:
            what = f"has {file.stat().st_size} bytes, its receipt says {facts['size']}"
            yield Finding.remade(file, what, output=output)
        elif file_digest(file) != facts["sha256"]:
            yield Finding.remade(file, "does not have the SHA-256 of its receipt", output=output)
    for name, digest in receipt.inputs.items():
        known = given(layout, name) or receipt_path(layout, name).is_file()
        if Path(name).is_file() and known and file_digest(Path(name)) != digest:
            yield Finding.remade(output, f"was made from another {name} than is there now", output=output)
