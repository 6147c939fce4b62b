"""What made the numbers: revision, machine, packages, stages with their durations, settings."""

import platform
from importlib.metadata import PackageNotFoundError, version

import yaml

from framethrift.config.digest import settings_digest
from framethrift.progress import duration
from framethrift.reporting.render_table import table_html
from framethrift.reporting.site import Site
from framethrift.reporting.stage_runs import Recorded
from framethrift.reporting.table import Column, Table, words
from framethrift.reporting.tables_audit import problems

PACKAGES = (
    "framethrift", "torch", "lightning", "transformers", "open_clip_torch", "lmms_eval", "av", "numpy", "numba", "pandas",
    "pydantic", "snakemake", "mlflow", "matplotlib", "jinja2",
)  # fmt: skip


def write_provenance(site: Site, runs: list[Recorded], revision: str | None) -> None:
    """Write provenance.html."""
    study = site.sources.study
    page = "provenance.html"
    commits = sorted({run.tags["mlflow.source.git.commit"] for run in runs if "mlflow.source.git.commit" in run.tags})
    hosts = sorted({run.tags["host"] for run in runs if "host" in run.tags})
    facts = {
        "Study": study.name,
        "Seeds": ", ".join(map(str, study.seeds)),
        "Bootstrap": f"{study.bootstrap} resamples of whole videos, percentile 95 % intervals",
        "Settings digest": settings_digest(study),
        "Revision of this report": revision or "not given",
        "Revisions of the stages": ", ".join(commits) or "not recorded",
        "Rendered with": f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        "Busy time of all recorded stages": duration(sum(run.seconds for run in runs)) if runs else "not recorded",
    }
    if not site.folder.closed:  # whose machine it was is nobody else's business
        facts["Hosts of the stages"] = ", ".join(hosts) or "not recorded"
    site.write(
        page,
        "provenance.html.j2",
        facts=facts,
        stages=table_html(stages(runs), site.folder, page),
        problems=table_html(problems(site.sources), site.folder, page),
        packages={name: _version(name) for name in PACKAGES},
        settings=yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110),
    )


def stages(runs: list[Recorded]) -> Table:
    """Recorded stages in the order they started, with busy time (waits after an interruption do not count)."""
    columns = [
        Column("stage", "Stage", numeric=False, width=0.15),
        Column("name", "Of", numeric=False, width=0.35),
        Column("ended", "Ended", numeric=False, width=0.15),
        Column("time", "Busy", width=0.12),
        Column("revision", "Revision", numeric=False, width=0.15),
    ]
    table = Table(
        "stages",
        "Recorded stages",
        "From the local tracking records; an interrupted and resumed stage counts once.",
        columns,
        long=True,
    )
    for run in runs:
        commit = run.tags.get("mlflow.source.git.commit", "")[:10] + (" + changes" if run.tags.get("git.dirty") == "true" else "")
        table.rows.append(
            {
                "stage": words(run.stage),
                "name": words(run.name),
                "ended": words(run.status.lower()),
                "time": words(duration(run.seconds)),
                "revision": words(commit),
            }
        )
    return table


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
