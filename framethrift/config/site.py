"""What the SLURM profile must know of a site: partitions, GPUs, limits. Read by workflow/profiles/slurm from one file."""

import os
import subprocess
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from framethrift.config.base import Section

DEFAULT = Path(__file__).resolve().parents[2] / "workflow/profiles/slurm/site.yaml"
VARIABLE = "FRAMETHRIFT_SITE"  # names a site file outside the repository
ANSWER_SECONDS = 10
TRAINING = ("delta", "videolm", "sampler", "joint")
Stage = Literal["delta", "videolm", "sampler", "joint"]


class SiteError(ValueError):
    """A site file that is missing or wrong."""


class Devices(Section):
    """Where a training stage runs."""

    nodes: int = Field(1, ge=1, description="Nodes.")
    gpus: int = Field(1, ge=0, description="GPUs on each node; one training process each. 0: no GPU, one process.")
    micro_batch: int = Field(
        0,
        ge=0,
        description="VideoLM: conversations of like length that a process passes through the model at a time, where its whole "
        "share (0) does not fit into a GPU's memory. Gradients are added up; the result is the same.",
    )


class Limits(Section):
    """What no job may ask for more of, however often it was tried."""

    memory_mb: int = Field(ge=1, description="Memory of a node, in MB.")
    minutes: int = Field(ge=1, description="Longest time limit of a job, in minutes.")


class Partition(Limits):
    """A SLURM partition."""

    name: str = Field(min_length=1, description="Its name.")
    cores: int = Field(ge=1, description="CPU cores of a node.")


class Retries(Section):
    """How often a failed job is tried again."""

    training: int = Field(20, ge=0, description="A training goes on from its last checkpoint each time.")
    others: int = Field(3, ge=0, description="Every other job.")


class Site(Section):
    """One cluster."""

    gpu: Partition = Field(description="Partition of the jobs that run a model.")
    cpu: Partition = Field(description="Partition of the other jobs; it may be the same.")
    account: str | None = Field(None, description="Account to charge; null leaves it to SLURM.")
    qos: str | None = Field(None, description="Quality of service; null leaves it to SLURM.")
    constraint: str | None = Field(None, description="Constraint on the GPU nodes, such as a GPU model's feature; null: none.")
    gpu_type: str | None = Field(None, description="Type of GPU as sinfo -o %G names it; null takes any.")
    devices: dict[Stage, Devices] = Field(
        default_factory=dict, description="GPUs and nodes of the training stages; one GPU each where nothing is said."
    )
    retries: Retries = Field(Retries(), description="How often a failed job is tried again.")
    status: Literal["auto", "sacct", "squeue"] = Field(
        "auto", description="How jobs are watched; auto asks whether sacct answers."
    )

    def training(self, stage: Stage, memory_mb: int, minutes: int) -> dict[str, int | str]:
        """Snakemake resources of a training stage: one process per GPU on every node.

        Only the memory grows with the attempts: a training that ran out of time goes on from its last checkpoint.
        """
        placed = self.devices.get(stage, Devices())
        resources: dict[str, int | str] = {
            **self.grow(self.gpu, memory_mb, minutes),
            "runtime": min(minutes, self.gpu.minutes),
            "devices": max(1, placed.gpus),
            "nodes": placed.nodes,
            "micro_batch": placed.micro_batch,
            **self.gpus(placed.gpus),
            **self.optional(constraint=self.constraint),
        }
        if placed.nodes > 1:
            # An "MPI" job is not wrapped in srun -n1: the command itself starts its processes. tasks_per_gpu keeps the executor
            # from asking for tasks per GPU as well.
            resources |= {"mpi": "srun", "tasks": placed.nodes, "tasks_per_gpu": 0}
        return resources

    def model(self, memory_mb: int, minutes: int, **more: str) -> dict[str, str]:
        """Snakemake resources of a job that runs a model on one GPU."""
        return {**self.grow(self.gpu, memory_mb, minutes), **self.gpus(), **self.optional(constraint=self.constraint), **more}

    def threads(self, stage: Stage, each: int) -> int:
        """CPU cores of a training stage on each node, `each` for every process."""
        return min(each * max(1, self.devices.get(stage, Devices()).gpus), self.gpu.cores)

    def gpus(self, count: int = 1) -> dict[str, str]:
        """Snakemake resources for so many GPUs on each node."""
        kind = f"gpu:{self.gpu_type}" if self.gpu_type else "gpu"
        return {"gres": f"{kind}:{count}"} if count else {}

    def optional(self, **values: str | None) -> dict[str, str]:
        """Those of the values that the site has."""
        return {name: value for name, value in values.items() if value is not None}

    def grow(self, partition: Partition, memory_mb: int, minutes: int) -> dict[str, str]:
        """Snakemake resources that grow with every attempt, up to the partition's limits."""
        return {
            "slurm_partition": partition.name,
            "mem_mb": f"min({memory_mb} * attempt, {partition.memory_mb})",
            "runtime": f"min({minutes} * attempt, {partition.minutes})",
        }

    def status_command(self) -> str:
        """The command that the executor watches jobs with: sacct where accounting works, else squeue.

        An installed sacct without an accounting database answers nothing, and every job would seem to run for ever.
        """
        if self.status != "auto":
            return self.status
        try:
            asked = subprocess.run(["sacct", "-n", "-X"], capture_output=True, timeout=ANSWER_SECONDS, check=False)
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return "squeue"
        return "sacct" if asked.returncode == 0 else "squeue"


def site_file() -> Path:
    """The site file in use: the one that FRAMETHRIFT_SITE names, else the profile's own."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)


def load_site(path: Path | None = None) -> Site:
    """Read a site file. Raises SiteError naming file, field and value."""
    path = path or site_file()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError(f"{path}: cannot be read ({error}); {VARIABLE} may name another site file") from error
    except yaml.YAMLError as error:
        raise SiteError(f"{path}: not valid YAML: {error}") from error
    try:
        return Site.model_validate((content or {}).get("site"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in ("site", *first["loc"]))
        raise SiteError(f"{path}: {field} = {first['input']!r}: {first['msg']}") from error
