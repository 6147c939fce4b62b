"""Finding ready-made weights before any job that needs a GPU is started. Nothing is downloaded here."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from framethrift.config import Layout, Study, StudyError
from framethrift.config.variants import BaselineVariant
from framethrift.files import write_json


class WeightsMissing(StudyError):
    """Weights that a study names are not on this machine; the message lists all of them."""


def check_weights(study: Study, layout: Layout) -> None:
    """Write weights.json: where each ready-made part of the study's models lies.

    Raises WeightsMissing with one line per part that is in no folder and in no cache.
    """
    found, missing = {}, []
    for field, source in sources(study).items():
        try:
            found[field] = str(_clip(source) if field == "models.clip.source" else weights_folder(source))
        except FileNotFoundError as error:
            missing.append(f"  {field}: {source!r}: {error}")
    if missing:
        raise WeightsMissing("\n".join([f"study {study.name!r} needs weights that are not here:", *missing]))
    write_json(layout.weights, found)


def sources(study: Study) -> dict[str, str]:
    """Field → source, for every part that is loaded ready-made."""
    parts = {f"models.{part}.source": getattr(study.models, part).source for part in ("vision", "language", "clip")}
    parts |= {f"variants.{name}.source": own.source for name, own in study.variants.items() if isinstance(own, BaselineVariant)}
    return {field: source for field, source in parts.items() if source}


def weights_folder(source: str) -> Path:
    """The local folder of a checkpoint given as a folder or a hub name; FileNotFoundError says what to do when there is none."""
    folder = Path(source)
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise FileNotFoundError("the folder holds no config.json with safetensors")
        return folder
    if source.count("/") != 1 or source.startswith((".", "weights/", "data/")):
        raise FileNotFoundError("no such folder")
    try:
        return Path(snapshot_download(source, local_files_only=True))
    except LocalEntryNotFoundError as error:
        raise FileNotFoundError(
            f"neither a folder nor in the Hugging Face cache; fetch it with `hf download {source}`"
        ) from error


def _clip(source: str) -> Path:
    from open_clip import get_pretrained_cfg, list_pretrained  # slow to import, and few need it

    model, _, weights = source.partition("@")
    if Path(weights).is_file():
        return Path(weights)
    if (model, weights) not in list_pretrained():
        raise FileNotFoundError("neither `model@file` nor a model and tag that open_clip lists, e.g. ViT-L-14@openai")
    hub = get_pretrained_cfg(model, weights).get("hf_hub", "").rstrip("/")
    return weights_folder(hub)
