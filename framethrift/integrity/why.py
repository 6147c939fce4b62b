"""`framethrift why`: in words, what would run again, and because of what."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framethrift.config.digest import rule_code, rule_digest, rule_settings, rule_version
from framethrift.config.jobs import deciding
from framethrift.config.layout import Layout
from framethrift.config.study import Study
from framethrift.files import file_digest
from framethrift.integrity.fields import deciding_changes
from framethrift.integrity.planned import Planned
from framethrift.integrity.receipts import Receipt, load_receipt, origin, outside, read_receipt


def explain(study: Study, layout: Layout, jobs: Sequence[Planned]) -> Iterator[str]:
    """One line per job that would run, followed by its reasons, indented."""
    makers = {output: job for job in jobs for output in job.outputs}
    for job in jobs:
        yield f"{_words(job.rule, job.names)} would run:"
        for reason in _reasons(study, layout, job, makers) or [job.reason]:
            yield f"  {reason}"


def explain_current(layout: Layout, targets: Sequence[str]) -> Iterator[str]:
    """What finished targets (all of the study's when none is named) rest on, as far as it would have to be known."""
    paths = [Path(target) for target in targets]
    receipts = [read_receipt(layout, path) for path in paths] if paths else _all_receipts(layout)
    for receipt in receipts:
        if receipt is None:
            continue
        if targets:
            yield f"{outside(layout, receipt.output)}: made by {receipt.job()}, finished {receipt.finished}"
        if receipt.version is not None and (changed := _changed_code(layout, receipt)):
            yield f"{receipt.job()} keeps its result although code changed ({', '.join(changed)}): a training stage"
            yield f"  runs again only when its version, {receipt.version}, is raised in framethrift/config/digest.py"


def _reasons(study: Study, layout: Layout, job: Planned, makers: dict[str, Planned]) -> list[str]:
    receipt = read_receipt(layout, job.outputs[0])
    missing = [output for output in job.outputs if not Path(output).is_file()]
    if receipt is None:
        made = "its output is there, but no receipt of a finished job" if not missing else f"{missing[0]} has not been made yet"
        return [made, *_from_inputs(job, {}, makers)]
    reasons = [f"{output} is gone (it was made {receipt.finished})" for output in missing]
    reasons += _from_settings(study, layout, job, receipt)
    reasons += _from_inputs(job, receipt.inputs, makers)
    if "Incomplete output" in job.reason:
        reasons.append("its last run was cut off")
    return reasons


def _from_settings(study: Study, layout: Layout, job: Planned, receipt: Receipt) -> list[str]:
    names = deciding(job.names)
    if rule_digest(study, job.rule, *names) == receipt.digest:
        return []
    reasons = []
    if rule_settings(study, job.rule, *names) != receipt.settings:
        old = origin(layout, receipt.study)
        found = deciding_changes(old, study, job.rule, *names) if old else []
        reasons += [f"the study changed: {change}" for change in found]
        if not found:
            reasons.append("its settings changed, in no field of the study: see framethrift/config/benchmarks.yaml")
    version = rule_version(job.rule)
    if version != receipt.version:
        reasons.append(f"its code's version changed: {receipt.version} → {version}")
    if version is None:
        reasons += [f"the code changed: {name}" for name in _changed_code(layout, receipt)]
    return reasons


def _from_inputs(job: Planned, known: dict[str, str], makers: dict[str, Planned]) -> list[str]:
    reasons = []
    for path in job.inputs:
        if path in makers:
            reasons.append(f"{path} is made anew by {_words(makers[path].rule, makers[path].names)}")
        elif known and path not in known:
            reasons.append(f"{path} is read now, and was not before")
        elif path in known and Path(path).is_file() and file_digest(Path(path)) != known[path]:
            reasons.append(f"{path} has another content than when it was read")
    reasons += [f"{path} was read before, and is not now" for path in known if path not in job.inputs]
    if not reasons and "Updated input files" in job.reason:
        listed = job.reason.partition("Updated input files: ")[2].partition(";")[0]
        reasons.append(f"newer than its output, though their content is the same: {listed}")
    return reasons


def _changed_code(layout: Layout, receipt: Receipt) -> list[str]:
    old: dict[str, Any] = origin(layout, receipt.code) or {}
    now = rule_code(receipt.rule)
    return sorted(name for name in old.keys() | now.keys() if old.get(name) != now.get(name))


def _all_receipts(layout: Layout) -> list[Receipt | None]:
    return [load_receipt(path) for path in sorted(layout.receipts.glob("models/**/*.json"))]


def _words(rule: str, names: dict[str, str]) -> str:
    return " ".join([rule, *(f"{name}={value}" for name, value in names.items())])
