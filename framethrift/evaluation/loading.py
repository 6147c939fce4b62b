"""Putting together what answers for a variant: its model, its sampler network, and the CLIP that scores frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from framethrift.codec import read_frames, sample_times
from framethrift.config import Layout, Study
from framethrift.config.sampling import Blind, Chance, Replay, Sampling, Select, Stream, Tiered
from framethrift.config.training import KeyFrames
from framethrift.config.variants import BaselineVariant, SamplerVariant, VideolmVariant
from framethrift.evaluation.answering import Answerer, Answering
from framethrift.evaluation.backbones import Backbone, load_backbone, open_linked
from framethrift.evaluation.chance import ChanceAnswerer
from framethrift.evaluation.layer_steps import LayerSteps
from framethrift.evaluation.mixing import MixedViewer
from framethrift.evaluation.picking import Scoring
from framethrift.evaluation.plain import PlainAnswerer
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.reducing import ReducingViewer
from framethrift.evaluation.selection import SelectViewer
from framethrift.evaluation.shown import BlindViewer, Viewer
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.evaluation.streams import StreamViewer
from framethrift.evaluation.tiering import TieredViewer
from framethrift.files import file_digest
from framethrift.models.clip import ClipScorer
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.folder import MANIFEST, verify
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.sampler import FrameSampler, load_sampler
from framethrift.models.tspo import load_agent
from framethrift.reducers import LAYER_REDUCERS

Opened = tuple[Answering, dict[str, str]]  # what answers, and the digests of all weights that take part


@dataclass(frozen=True, eq=False)
class Loaded:
    """A variant ready to answer; `digests` are those of the manifests of the folders it came from.

    `sampler` is None for a bare VideoLM; `draw` says whether the msjoe selector draws or takes the K largest weights.
    """

    model: CopeVideoForConditionalGeneration
    processor: CopeVideoProcessor
    key_frames: KeyFrames
    digests: dict[str, str]
    sampler: FrameSampler | None = None
    draw: bool = False
    seed: int = 0

    def answerer(self, sampling: Sampling, scoring: Scoring | None = None, name: str = "") -> Answerer:
        """What answers under `sampling`, called `name` in errors; its `watch` adds up seconds per stage.

        Raises ValueError when the sampling scores frames and `scoring` is None.
        """
        watch = Stopwatch(self.model.device)
        parts = self.model, self.processor
        if isinstance(sampling, Chance):
            raise ValueError("sampling kind: chance asks no model")
        if isinstance(sampling, Blind):
            return Answerer(*parts, BlindViewer(), watch)
        if isinstance(sampling, Stream):
            return self.reducing(sampling, StreamViewer(*parts, sampling, watch, self.seed, name), watch)
        own: dict[str, Any] = {
            **{"key_frames": self.key_frames, "scoring": scoring, "sampler": self.sampler},
            **{"draw": self.draw, "seed": self.seed, "name": name},
        }
        viewer: SelectViewer
        if isinstance(sampling, Tiered):
            viewer = TieredViewer(*parts, sampling, watch, **own)
        else:
            viewer = (MixedViewer if sampling.rest == "delta" else SelectViewer)(*parts, sampling, watch, **own)
        return self.reducing(sampling, viewer, watch)

    def reducing(self, sampling: Stream | Select, viewer: Viewer, watch: Stopwatch) -> Answerer:
        """What answers from what `viewer` shows under `sampling`, with the sampling's reducer where it has one."""
        parts, reduction = (self.model, self.processor), sampling.reducer
        if reduction is None:
            return Answerer(*parts, viewer, watch)
        if reduction.name in LAYER_REDUCERS:
            return Answerer(*parts, viewer, watch, LayerSteps(reduction))
        return Answerer(*parts, ReducingViewer(viewer, *parts, reduction, watch, self.seed), watch)


@dataclass(frozen=True, eq=False)
class LoadedBackbone:
    """As `Loaded`, of another class: a published model alone, or one with a sampler network."""

    backbone: Backbone
    key_frames: KeyFrames
    digests: dict[str, str]
    sampler: FrameSampler | None = None
    draw: bool = False
    seed: int = 0

    def answerer(self, sampling: Sampling, scoring: Scoring | None = None) -> PlainAnswerer:
        """What answers under `sampling`; its `watch` adds up seconds per stage. Errors as `PlainAnswerer`."""
        return PlainAnswerer(
            self.backbone,
            sampling,
            Stopwatch(self.backbone.device),
            key_frames=self.key_frames,
            scoring=scoring,
            sampler=self.sampler,
            draw=self.draw,
            seed=self.seed,
        )


def load_model(folder: Path, device: str | None = None) -> tuple[CopeVideoForConditionalGeneration, CopeVideoProcessor]:
    """The VideoLM in a verified model folder, ready for inference; on a GPU where there is one unless `device` says otherwise.

    Raises ModelFolderError for an incomplete or damaged folder.
    """
    verify(folder)
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    model = CopeVideoForConditionalGeneration.from_pretrained(folder)
    model = model.to(place).eval().requires_grad_(False)
    return model, CopeVideoProcessor.from_pretrained(folder)


def load_variant(study: Study, layout: Layout, variant: str, seed: int, device: str | None = None) -> Loaded:
    """A trained variant: a VideoLM from its own folder; a sampler beside its base MLLM; a joint variant's own MLLM and sampler.

    Raises ModelFolderError for a folder that is missing or damaged.
    """
    kind, own = study.variants[variant], layout.model(variant, seed)
    folders = {"model": layout.model(study.mllm_of(variant), seed) if isinstance(kind, SamplerVariant) else own}
    model, processor = load_model(folders["model"], device)
    settings = study.training_of(variant)
    sampler = None
    if not isinstance(kind, VideolmVariant):
        verify(own)
        folders["sampler"] = own
        sampler = _frame_sampler(study, variant, own, model.device)
    digests = {name: file_digest(folder / MANIFEST) for name, folder in folders.items()}
    draw = settings.set_likelihood.evaluate == "draw"
    return Loaded(model, processor, settings.key_frames, digests, sampler, draw, seed)


def load_answering(study: Study, layout: Layout, variant: str, sampling: str, seed: int, device: str | None = None) -> Opened:
    """What answers for a variant under a sampling, and the digests of all weights that take part.

    Raises ModelFolderError for a model that is missing or damaged, FileNotFoundError for a baseline's checkpoint.
    """
    settings = study.samplings[sampling]
    if isinstance(settings, Chance):
        return ChanceAnswerer(seed), {}
    scoring, digests = scoring_of(study, layout, sampling)
    if study.backbone_of(variant) is not None:
        other = load_other(study, layout, variant, seed, device)
        return other.answerer(settings, scoring), {**other.digests, **digests}
    loaded = load_variant(study, layout, variant, seed, device)
    return loaded.answerer(settings, scoring, sampling), {**loaded.digests, **digests}


def load_other(study: Study, layout: Layout, variant: str, seed: int, device: str | None = None) -> LoadedBackbone:
    """A baseline, a sampler beside one, or the two as a joint stage left them: a variant of which `Study.backbone_of` knows one.

    Raises ModelFolderError for a folder that is missing or damaged, FileNotFoundError for a baseline's checkpoint.
    """
    kind, training = study.variants[variant], study.training_of(variant)
    if isinstance(kind, BaselineVariant):
        backbone, digest = load_backbone(kind, device)
        return LoadedBackbone(backbone, training.key_frames, {"model": digest}, seed=seed)
    own = layout.model(variant, seed)
    base = layout.model(study.mllm_of(variant), seed) if isinstance(kind, SamplerVariant) else own
    verify(own)
    backbone = open_linked(base, device)
    sampler = _frame_sampler(study, variant, own, backbone.device)
    digests = {"model": file_digest(base / MANIFEST), "sampler": file_digest(own / MANIFEST)}
    draw = training.set_likelihood.evaluate == "draw"
    return LoadedBackbone(backbone, training.key_frames, digests, sampler, draw, seed)


def _frame_sampler(study: Study, variant: str, folder: Path, device: torch.device) -> FrameSampler:
    return (load_agent(folder) if study.method_of(variant) == "tspo" else load_sampler(folder)[0]).to(device)


def scoring_of(study: Study, layout: Layout, sampling: str) -> tuple[Scoring | None, dict[str, str]]:
    """What scores frames under a sampling of the study, with its digest; a file that names them with its own; or nothing."""
    settings = study.samplings[sampling]
    if isinstance(settings, Replay):
        return None, {"indices": file_digest(Path(settings.indices))}
    if not isinstance(settings, Select) or not study.needs_clip(sampling):
        return None, {}
    return kept_scoring(layout, settings.candidate_fps), {"clip": file_digest(layout.clip / MANIFEST)}


def kept_scoring(layout: Layout, fps: float) -> Scoring:
    """The study's CLIP, with its embeddings of the study's videos kept on disk and shared by questions and cells."""
    scorer = ClipScorer.load(layout.clip)
    stores: dict[str, FrameEmbeddings] = {}

    def embeddings(video: EncodedVideo) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        if video.dataset not in stores:
            stores[video.dataset] = FrameEmbeddings(scorer, layout, video.dataset, fps)
        return stores[video.dataset].get(video.video_id, str(video.path.relative_to(layout.root)), video.stream_digest)

    return Scoring(scorer, embeddings)


def fresh_scoring(clip: Path, fps: float) -> Scoring:
    """The CLIP of a folder, embedding each video's candidate frames anew: for clips of no study, and for timing."""
    scorer = ClipScorer.load(clip)

    def embeddings(video: EncodedVideo) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
        times = sample_times(video.path, fps)
        return times, scorer.embed_frames(read_frames(video.path, times))

    return Scoring(scorer, embeddings)
