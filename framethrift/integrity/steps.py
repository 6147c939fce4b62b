"""Around every step of the DAG: what it reads is checked before it starts, what it wrote is proven when it is done.

Declared inputs (tables, manifests, figures, answers) are hashed each time: they are small. The files of a model folder are hashed
once, and again when their size or time of change is another. Videos are hashed by `framethrift doctor`, and by the codec step.
"""

import functools
import inspect
import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from framethrift.config.jobs import WILDCARDS, Job, job
from framethrift.config.layout import Layout
from framethrift.config.workflow import Workflow
from framethrift.files import file_digest, write_json
from framethrift.integrity.receipts import (
    VERIFIED,
    IntegrityError,
    given,
    outside,
    read_receipt,
    receipt_path,
    snakemake_command,
    write_receipts,
)
from framethrift.models.folder import MANIFEST, ModelFolderError, verify


def proven(command: Callable[..., None], *, unless: str | None = None) -> Callable[..., None]:
    """The command of a rule (its name, its options the wildcards) with checked inputs and proven outputs.

    With the option `unless` set it is no step: it makes nothing.

    The wrapped command raises IntegrityError for an input that is not what its job wrote, and for an output that cannot be.
    """

    @functools.wraps(command)
    def step(**options: Any) -> None:
        if _follower() or (unless and options[unless]):
            command(**options)
            return
        overrides = list(options.get("set_") or [])
        arguments = ["--study", options["study"], *(word for override in overrides for word in ("--set", override))]
        flow = Workflow(options["study"], overrides, shards=options.get("shards", 1))
        ordered = {name: options[name] for name in inspect.signature(command).parameters if name in WILDCARDS}
        own = job(flow, command.__name__, **ordered)
        inputs = check_inputs(flow.layout, own, arguments)
        for output in own.writes:
            receipt_path(flow.layout, output).unlink(missing_ok=True)
        command(**options)
        write_receipts(flow.layout, flow.study, own, inputs, arguments)

    return step


def check_inputs(layout: Layout, own: Job, arguments: list[str]) -> dict[str, str]:
    """Digest per declared input of a job; raises IntegrityError naming every bad one and the repair."""
    digests, wrong = {}, []
    for path in own.reads:
        problem = input_problem(layout, path)
        if problem and given(layout, path):
            raise IntegrityError(f"{own} cannot start: {path} {problem}; no job makes it: put it there, or change the study")
        if problem:
            wrong.append((path, problem))
        else:
            digests[path] = file_digest(Path(path))
    if wrong:
        remove = shlex.join(["rm", "-f", "--", *(path for path, _ in wrong)])
        again = snakemake_command(arguments, "SLURM_JOB_ID" in os.environ)
        lines = "\n".join(f"  {path} {problem}" for path, problem in wrong)
        raise IntegrityError(f"{own} cannot start, what it reads is not whole:\n{lines}\nrepair: {remove} && {again}")
    return digests


def input_problem(layout: Layout, path: str) -> str | None:
    """What is wrong with a declared input, in words that follow its name; None when it is whole, or only the user knows it."""
    if not Path(path).is_file():
        return "is missing"
    if given(layout, path):
        return None
    receipt = read_receipt(layout, path)
    if receipt is None:
        return "has no receipt: the job that makes it did not finish"
    for name, facts in receipt.files.items():
        file = outside(layout, name)
        if not file.is_file():
            return f"counts on {file}, which is missing"
        size = file.stat().st_size
        if size != facts["size"]:
            return f"is not what its job wrote: {file.name} has {size} bytes, the receipt says {facts['size']}"
        if file_digest(file) != facts["sha256"]:
            return f"is not what its job wrote: {file.name} does not have the SHA-256 of the receipt"
    return _model_problem(layout, Path(path).parent) if Path(path).name == MANIFEST else None


def _model_problem(layout: Layout, folder: Path) -> str | None:
    """What is wrong with a model folder. Its files are hashed once; after that their sizes and times of change must stay."""
    seen = layout.receipts / VERIFIED / f"{os.path.relpath(folder, layout.root)}.json"
    try:
        manifest = verify(folder, digests=False)
        files = [folder / name for name in manifest["files"]]
        state: dict[str, Any] = {str(file.relative_to(folder)): [file.stat().st_size, file.stat().st_mtime_ns] for file in files}
        state[MANIFEST] = file_digest(folder / MANIFEST)
        if not seen.is_file() or json.loads(seen.read_text(encoding="utf-8")) != state:
            verify(folder)
            write_json(seen, state)
    except ModelFolderError as error:
        return f"is no whole model: {error}"
    return None


def _follower() -> bool:
    """Whether this is a second process of a multi-process training: the first one speaks for all."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0) > 0
