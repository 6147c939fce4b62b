"""Options that several commands have, and the study they open."""

import os
from pathlib import Path
from typing import Annotated

import typer

from framethrift.config import Layout, Study, load_study
from framethrift.memory import keep_freed_memory

StudyName = Annotated[str, typer.Argument(help="Name or YAML file of a study.")]
StudyOption = Annotated[str, typer.Option("--study", help="Name or YAML file of a study.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Override: dotted.field=value.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads for torch.")]
Devices = Annotated[int, typer.Option(min=1, help="Training processes on each node, one per GPU.")]
Nodes = Annotated[int, typer.Option(min=1, help="Nodes of the SLURM job to train on.")]
MicroBatch = Annotated[
    int, typer.Option(min=0, help="Conversations that a process passes through the model at a time; 0: its whole share.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed, one of the study's.")]
Name = Annotated[str, typer.Option(help="Δ-encoder, named after the first variant that uses it.")]
Variant = Annotated[str, typer.Option(help="Variant of the study.")]
Sampling = Annotated[str, typer.Option(help="Sampling of the study.")]
Shards = Annotated[int, typer.Option(min=1, help="Shards that a cell's questions are dealt out to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="Dataset of the study.")]
Root = Annotated[
    Path | None, typer.Option(envvar="FRAMETHRIFT_DATA", help="Folder with published annotations and videos [default: data].")
]


def open_study(study: str, overrides: list[str] | None, threads: int | None = None) -> tuple[Study, Layout]:
    """A study with its overrides, and where its files lie; `threads` are torch's."""
    if threads is not None:
        import torch

        # Of a node's threads each of its training processes takes its part.
        torch.set_num_threads(max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
        keep_freed_memory()
    loaded = load_study(study, overrides or [])
    return loaded, Layout(f"results/{loaded.name}")
