"""Joint evolution as one of several processes: torchrun … joint_processes.py STUDY RESULTS; each writes its final weights."""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from framethrift.config import Layout, Study
from framethrift.tracking import runs
from lightning_modules import processes
from lightning_modules.joint_evolution import JointEvolution, train_joint


def keep_weights(module: JointEvolution) -> None:
    """Called by Lightning in every process, before process 0 exports."""
    weights = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    save_file(weights, Path(sys.argv[2]) / f"process{processes.rank()}.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs._push = lambda layout: None
    JointEvolution.on_train_end = keep_weights
    train_joint(Study.model_validate_json(Path(sys.argv[1]).read_text()), Layout(sys.argv[2]), "joint", 0)
