"""Where a run came from: revision, settings, machine and versions, as MLflow tags."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from framethrift.config.digest import settings_digest
from framethrift.config.study import Study

_PROJECT = Path(__file__).resolve().parents[2]


def provenance(study: Study, rule: str, wildcards: Mapping[str, Any]) -> dict[str, str]:
    """Tags of a run. Outside a git checkout the revision is "none"."""
    tags = {
        "study": study.name,
        "rule": rule,
        "wildcards": json.dumps(dict(wildcards), sort_keys=True),
        "config.digest": settings_digest(study),
        **_revision(_PROJECT),
        "host": platform.node(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "framethrift": version("framethrift"),
    }
    if "SLURM_JOB_ID" in os.environ:
        tags["slurm.job"] = os.environ["SLURM_JOB_ID"]
    return tags


def revision() -> str:
    """The project's git commit, marked where files differ from it; "none" outside a checkout."""
    facts = _revision(_PROJECT)
    return facts["mlflow.source.git.commit"] + (" with local changes" if facts["git.dirty"] == "true" else "")


def _revision(folder: Path) -> dict[str, str]:
    if shutil.which("git") is None:
        return {"mlflow.source.git.commit": "none", "git.dirty": "unknown"}
    head = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = _git(folder, "status", "--porcelain")
    return {
        "mlflow.source.git.commit": head.stdout.strip() or "none",
        "git.dirty": "unknown" if changes.returncode else str(bool(changes.stdout.strip())).lower(),
    }


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
