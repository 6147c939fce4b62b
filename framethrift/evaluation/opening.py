"""Opening a checkpoint by plain arguments, as lmms-eval's command line gives them, for videos of no study."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from framethrift.codec import probe
from framethrift.config.sampling import Chance, Sampling, Select, Stream
from framethrift.config.study import OF_A_STUDY
from framethrift.config.training import KeyFrames
from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.answering import Answering
from framethrift.evaluation.ask import ClipEncoder, open_parts
from framethrift.evaluation.backbones import load_backbone
from framethrift.evaluation.backbones.load import folder_digest
from framethrift.evaluation.loading import LoadedBackbone, fresh_scoring
from framethrift.evaluation.questions import EncodedVideo
from framethrift.files import file_digest
from framethrift.models.folder import MANIFEST

OWN = "framethrift"
_KNOWN = ("family", "seed", "clip", "device", "precision", "weights_digest", "videos", "videos_digest")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint ready to answer; `video` makes what it is asked about of a video file."""

    answering: Answering
    video: Callable[[Path], EncodedVideo]
    device: torch.device


def open_checkpoint(source: str, arguments: Mapping[str, Any]) -> Checkpoint:
    """Open `source` under `arguments` (see framethrift.evaluation.lmms_model.ChatModel).

    Raises ModelFolderError or FileNotFoundError for a checkpoint that is missing or damaged, ValueError for an argument that is
    unknown or impossible, and for a digest that does not fit the files.
    """
    known = {name: arguments[name] for name in _KNOWN if arguments.get(name) is not None}
    shown = {name: value for name, value in arguments.items() if name not in _KNOWN and value is not None}
    _refuse_stale(known)
    _check("videos_digest", known, lambda: folder_digest(Path(str(known["videos"]))) if "videos" in known else "")
    if known.get("family", OWN) == OWN:
        parts = open_parts(Path(source), known.get("device"))
        sampling = _sampling(shown, parts.sampling.model_dump(mode="json"))
        _check("weights_digest", known, lambda: file_digest(parts.folder / MANIFEST))
        encoder = ClipEncoder(parts.recipe)
        loaded = replace(parts.loaded, seed=int(known.get("seed", parts.loaded.seed)))
        return Checkpoint(loaded.answerer(sampling, _scoring(sampling, known)), encoder, loaded.model.device)
    chosen = {"family": known["family"], "source": source, **{k: known[k] for k in ("precision",) if k in known}}
    backbone, digest = load_backbone(BaselineVariant.model_validate(chosen), known.get("device"))
    _check("weights_digest", known, lambda: digest)
    sampling = _sampling(shown, {"kind": "blind"} if known["family"] == "text" else {"kind": "select"})
    other = LoadedBackbone(backbone, KeyFrames(), {"model": digest}, seed=int(known.get("seed", 0)))
    return Checkpoint(other.answerer(sampling, _scoring(sampling, known)), _as_it_is, backbone.device)


def _refuse_stale(known: Mapping[str, Any]) -> None:
    """lmms-eval's response cache looks answers up by these arguments: without digests it would not notice changed files."""
    missing = [name for name in ("weights_digest", "videos", "videos_digest") if name not in known]
    if "--use_cache" in sys.argv and missing:
        raise ValueError(
            f"--use_cache needs the model arguments {missing}: the cache does not see weights or videos and would serve answers "
            "of files that have changed; give any value to be told the right digest"
        )


def _check(name: str, known: Mapping[str, Any], found: Callable[[], str]) -> None:
    if name in known and str(known[name]) != (digest := found()):
        raise ValueError(f"{name}={known[name]}: the files have {digest or 'no digest; name their folder with videos=FOLDER'}")


def _sampling(given: Mapping[str, Any], own: Mapping[str, Any]) -> Sampling:
    """The sampling that flat arguments describe; without `sampling=`, the checkpoint's own with those fields changed."""
    fields = dict(given)
    kind = fields.pop("sampling", own["kind"])
    if "budget" in fields:
        fields["max_gops" if kind == "stream" else "frames"] = fields.pop("budget")
    adapter: TypeAdapter[Sampling] = TypeAdapter(Sampling)
    try:
        shown = adapter.validate_python({**(own if kind == own["kind"] else {}), "kind": kind, **fields})
    except ValidationError as error:
        raise ValueError(f"model arguments {dict(given)} describe no sampling: {error}") from error
    if isinstance(shown, Chance) or (isinstance(shown, Select) and shown.selector in OF_A_STUDY):
        raise ValueError(
            f"model arguments {dict(given)}: lmms-eval gives no evidence, options, question ids or sampler network for it"
        )
    if isinstance(shown, Stream) and shown.delta == "swap":
        raise ValueError("delta=swap: a video of no study has no other to swap with")
    return shown


def _scoring(sampling: Sampling, known: Mapping[str, Any]):  # type: ignore[no-untyped-def]
    if not isinstance(sampling, Select) or sampling.queries == "none":
        return None
    if "clip" not in known:
        raise ValueError(f"queries={sampling.queries} needs clip=FOLDER, the CLIP that scores frames")
    return fresh_scoring(Path(known["clip"]), sampling.candidate_fps)


def _as_it_is(path: Path) -> EncodedVideo:
    """A video file that is not re-encoded; any codec."""
    facts = probe(path)
    return EncodedVideo(str(path), "", path, facts.fps, 1, facts.frames, (0,), "")
