"""Where a training run keeps its checkpoints: apart from those of other settings and other inputs."""

from collections.abc import Iterable
from pathlib import Path

from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest, settings_digest
from framethrift.files import file_digest
from framethrift.models.folder import MANIFEST

# What a run may change on the way without becoming another run: learning rates are constant here.
_FREE = {"steps", "checkpoint_every"}


def supervised_folder(study: Study, layout: Layout, stage: str, name: str, seed: int, inputs: Iterable[Path]) -> Path:
    """The checkpoint folder of a supervised stage under its settings and `inputs`, the tables and manifests it reads.

    Raises FileNotFoundError when an input is missing.
    """
    digest = rule_digest(study, stage, *([name] if stage in ("delta", "videolm") else []))
    return layout.checkpoints(stage, name, seed) / settings_digest([digest, [file_digest(path) for path in inputs]])


def run_folder(study: Study, layout: Layout, stage: str, variant: str, seed: int, models: Iterable[Path]) -> Path:
    """The checkpoint folder of a reinforcement learning stage under its settings, base models, CLIP, videos, questions and
    what curation kept of them.

    A run with another learning rate, or on a retrained MLLM, must not resume from the old run's checkpoints.
    models: folders whose manifests the run depends on. Raises FileNotFoundError when an input is missing.
    """
    training, dataset = study.training_of(variant), study.dataset_of(variant)[0]
    inputs = [*(folder / MANIFEST for folder in models), layout.clip / MANIFEST]
    inputs += [layout.codec(dataset) / "videos.parquet", layout.videos(dataset) / "questions.parquet"]
    tspo = study.method_of(variant) == "tspo"
    if stage == "sampler" and not tspo:
        inputs.append(layout.pass_rates(study.mllm_of(variant), seed))
    if study.learnt_long_sets(variant):
        inputs.append(layout.curated(study.mllm_of(variant), seed))
    decisive = [
        # TSPO's temperature follows the number of steps.
        getattr(training, stage).model_dump(exclude={"checkpoint_every"} if tspo else _FREE),
        training.set_likelihood,
        training.key_frames,
        study.models_of(variant).tspo if tspo else study.models_of(variant).sampler,
        rule_digest(study, stage, variant).rpartition("-")[2],
        [file_digest(path) for path in inputs],
    ]
    return layout.checkpoints(stage, variant, seed) / settings_digest(decisive)
