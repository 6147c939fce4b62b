"""Loading a baseline's checkpoint, and what identifies it."""

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch

from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.backbones.protocol import Backbone
from framethrift.files import file_digest
from framethrift.models.weights import weights_folder

ADAPTERS = {"llava_onevision": "LlavaOnevision", "qwen2_5_vl": "Qwen2_5_VL", "text": "TextModel"}


def load_backbone(variant: BaselineVariant, device: str | None = None) -> tuple[Backbone, str]:
    """The model, on a GPU where there is one unless `device` says otherwise, and the digest of its folder's files.

    Raises FileNotFoundError when the checkpoint is not on this machine.
    """
    folder = weights_folder(variant.source)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    module = import_module(f"framethrift.evaluation.backbones.{variant.family}")
    adapter: Callable[[Path, torch.device, torch.dtype], Backbone] = getattr(module, ADAPTERS[variant.family])
    return adapter(folder, place, getattr(torch, variant.precision)), folder_digest(folder)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()
