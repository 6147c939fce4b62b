"""Loading a baseline's checkpoint, and what identifies it."""

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import torch

from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.backbones.protocol import Backbone
from framethrift.files import file_digest
from framethrift.models.folder import ModelFolderError, exported, verify
from framethrift.models.weights import weights_folder

ADAPTERS = {"llava_onevision": "LlavaOnevision", "qwen2_5_vl": "Qwen2_5_VL", "text": "TextModel"}

CHECKPOINT = "checkpoint"  # what the manifest of a folder with a model of another class says of it


def load_backbone(variant: BaselineVariant, device: str | None = None) -> tuple[Backbone, str]:
    """The model, on a GPU where there is one unless `device` says otherwise, and the digest of its folder's files.

    Raises FileNotFoundError when the checkpoint is not on this machine.
    """
    folder = weights_folder(variant.source)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    module = import_module(f"framethrift.evaluation.backbones.{variant.family}")
    adapter: Callable[[Path, torch.device, torch.dtype], Backbone] = getattr(module, ADAPTERS[variant.family])
    return adapter(folder, place, getattr(torch, variant.precision)), folder_digest(folder)


def link_backbone(variant: BaselineVariant, folder: Path, *, name: str, seed: int, settings: str) -> None:
    """Write a model folder that names a published checkpoint and its digest, and holds no weight.

    Raises FileNotFoundError when the checkpoint is not on this machine.
    """
    facts = {"family": variant.family, "precision": variant.precision, "source": variant.source}
    facts["digest"] = folder_digest(weights_folder(variant.source))
    with exported(folder, kind="baseline", variant=name, seed=seed, settings=settings, extra={CHECKPOINT: facts}):
        pass


def open_linked(folder: Path, device: str | None = None, precision: str | None = None) -> Backbone:
    """The model of a folder that `link_backbone` wrote, or that a joint stage saved one in; `precision` replaces its own.

    Raises ModelFolderError for a folder that is damaged, holds another kind of model, or names a checkpoint that has changed.
    """
    facts = verify(folder)["extra"].get(CHECKPOINT)
    if facts is None:
        raise ModelFolderError(f"{folder} holds no model of another class")
    given = BaselineVariant(
        family=facts["family"], source=facts["source"] or str(folder), precision=precision or facts["precision"]
    )
    backbone, digest = load_backbone(given, device)
    if facts["source"] and digest != facts["digest"]:
        raise ModelFolderError(f"{folder}: the checkpoint {facts['source']} has changed since it was linked; run the stage again")
    return backbone


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of all files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()
