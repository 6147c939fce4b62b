"""What decides the result of each rule: its part of the settings and its part of the code.

Snakemake's own code trigger sees the rule and nothing that the rule imports, and any change of the study file would rerun
everything. Each rule therefore carries two digests as parameters. Cheap rules follow their modules' code (comments, docstrings
and formatting do not count); a training stage follows a version that is raised on purpose, because a harmless edit must not
retrain a 7B model.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.data import Published
from framethrift.config.long_video_qa import LongVideoQA
from framethrift.config.sources import load_sources
from framethrift.config.study import Study
from framethrift.config.variants import BaselineVariant

ROOT = Path(__file__).resolve().parents[2]


def settings_digest(settings: Any) -> str:
    """Twelve hex digits of the canonical JSON of `settings` (models are dumped)."""
    text = json.dumps(settings, sort_keys=True, default=lambda model: model.model_dump(mode="json"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def code_of(*packages: str) -> dict[str, str]:
    """File → twelve hex digits of its meaning, blind to comments, docstrings and formatting, for dotted packages or modules.

    Raises FileNotFoundError for a package that does not exist.
    """
    files = {path.relative_to(ROOT).as_posix(): path for package in packages for path in _sources(package)}
    return {name: _file_digest(path) for name, path in sorted(files.items())}


@cache
def code_digest(*packages: str) -> str:
    """Twelve hex digits of all the code under the given dotted packages or modules; errors as `code_of`."""
    return settings_digest(code_of(*packages))


def _sources(package: str) -> Iterable[Path]:
    base = ROOT.joinpath(*package.split("."))
    if base.with_suffix(".py").is_file():
        return [base.with_suffix(".py")]
    if not base.is_dir():
        raise FileNotFoundError(f"{package}: neither a module nor a package under the project root")
    return sorted(path for path in base.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(_meaning(path)).hexdigest()[:12]


def _meaning(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def rule_digest(study: Study, rule: str, *names: str) -> str:
    """What decides the result of `rule` for the given wildcards, as one digest.

    Raises KeyError for a rule that has no entry here: a new rule must say what it depends on.
    """
    version = rule_version(rule)
    return rule_settings(study, rule, *names) + "-" + (code_digest(*_CODE[rule]) if version is None else f"v{version}")


def rule_settings(study: Study, rule: str, *names: str) -> str:
    """Digest of the part of the settings that decides the result of `rule` for the given wildcards."""
    return settings_digest(_SETTINGS[rule](study, *names))


def rule_version(rule: str) -> int | None:
    """Version of a training rule's code; None for a rule that follows its code's own digest."""
    return _VERSIONS.get(rule)


def rule_code(rule: str) -> dict[str, str]:
    """File → digest of the code that decides the result of `rule`; of a training rule, the code its version stands for."""
    return code_of(*_CODE[rule])


# Raise the number when a change of a training stage's code changes what it learns.
_VERSIONS = {"tokenizer": 1, "vision": 1, "clip": 1, "delta": 1, "videolm": 1, "pass_rates": 1, "sampler": 1, "joint": 1}

# Settings, tracking, progress, atomic files and the command line are in no list: what they decide is in the settings, or nothing.
_READING = ("framethrift.codec", "framethrift.models")
_SHOWING = (*_READING, "framethrift.tokens", "framethrift.selectors", "framethrift.reducers")
_EVALUATING = (*_SHOWING, "framethrift.evaluation")
_TIMING = (*_EVALUATING, "framethrift.latency", "framethrift.memory")
# What turns a question about a video into a raw answer; parsing, scoring and statistics come later.
_ANSWERING = (
    *_SHOWING,
    *(
        f"framethrift.evaluation.{name}"
        for name in (
            "answering",
            "backbones",
            "blocks",
            "chance",
            "decoding",
            "layer_steps",
            "lmms_tasks",
            "loading",
            "mixing",
            "picking",
            "plain",
            "portions",
            "posing",
            "questions",
            "rankings",
            "reducing",
            "selection",
            "shown",
            "streams",
            "tasks",
            "tiering",
        )
    ),
)
_FITTING = tuple(
    f"lightning_modules.{name}" for name in ("checkpoints", "data", "interruption", "processes", "run_folder", "trainer")
)
_SUPERVISED = (*_READING, "framethrift.tokens", *_FITTING, "lightning_modules.schedule")
_TOWERS = (*_SUPERVISED, "lightning_modules.captions", "lightning_modules.vision_language_pretraining")
_ROLLING = (
    *_SHOWING,
    "framethrift.evaluation.decoding",
    "framethrift.evaluation.backbones",
    "framethrift.evaluation.parse",
    "lightning_modules.data",
    "lightning_modules.frame_bank",
    "lightning_modules.mllm",
    "lightning_modules.pass_rates",
    "lightning_modules.processes",
    "lightning_modules.rollouts",
    "lightning_modules.seen_bank",
)
_SAMPLING = (
    *_ROLLING,
    *_FITTING,
    "framethrift.rewards",
    "framethrift.videos.curation",
    "lightning_modules.curated",
    "lightning_modules.reinforced",
    "lightning_modules.sampler_pretraining",
    "lightning_modules.tspo_training",
)
# Looking at videos and splicing them takes these; how they are re-encoded and fused does not change a dataset.
_PROBING = tuple(f"framethrift.codec.{name}" for name in ("cut", "errors", "frames", "index", "pictures", "probe", "source"))
# From raw answers to figures.
_FIGURES = tuple(
    f"framethrift.evaluation.{name}"
    for name in ("cells", "figures", "parse", "rescoring", "scoring", "statistics", "text_metrics")
)
_RENDERING = (
    "framethrift.reporting",
    *_FIGURES,
    "framethrift.evaluation.comparisons",
    "framethrift.evaluation.labels",
    "framethrift.evaluation.recorded",
    "framethrift.evaluation.judging",
    "framethrift.models.folder",
    "framethrift.codec",
    "framethrift.tokens",
    "framethrift.config.claims",
    "config.claims",
    "perf.measured",
)
_CODE = {
    "videos": ("framethrift.videos", *_PROBING),
    "codec": ("framethrift.codec",),
    "weights": ("framethrift.models.weights",),
    "tokenizer": _TOWERS,
    "vision": _TOWERS,
    "clip": _TOWERS,
    "delta": (*_SUPERVISED, "lightning_modules.delta_pretraining", "lightning_modules.shared_norm"),
    "answer": _ANSWERING,
    "retrieval": (*_READING, "framethrift.evaluation.retrieval", "framethrift.evaluation.statistics"),
    "videolm": (
        *_SUPERVISED,
        "framethrift.evaluation.backbones",
        "framethrift.selectors",
        "lightning_modules.captions",
        "lightning_modules.conversations",
        "lightning_modules.length_groups",
        "lightning_modules.low_rank",
        "lightning_modules.sharding",
        "lightning_modules.videolm_finetuning",
    ),
    "pass_rates": _ROLLING,
    "curate": ("framethrift.videos.curation",),
    "sampler": _SAMPLING,
    "joint": (*_SAMPLING, "lightning_modules.joint_evolution"),
    "evaluate": _EVALUATING,
    "arena": _EVALUATING,
    "judge": ("framethrift.evaluation.judging", "framethrift.evaluation.scoring"),
    "labels": (*_FIGURES, "framethrift.evaluation.labels", "framethrift.config.controls"),
    "latency": _TIMING,
    "dialogue": _TIMING,
    "report": _RENDERING,
    "table": _RENDERING,
    "bundle": _RENDERING,
}


def answer_code() -> str:
    """Digest of the code that decides raw answers."""
    return code_digest(*_ANSWERING)


def _answering(study: Study, variant: str, sampling: str) -> list[Any]:
    """What decides the raw answers of a cell, beside models and data."""
    own = study.variants[variant]
    return [
        study.samplings[sampling],
        study.evaluations()[variant, sampling],
        study.training_of(variant).key_frames,
        study.training_of(variant).set_likelihood,
        own if isinstance(own, BaselineVariant) else None,
        study.allow_partial,
    ]


def _evaluated(study: Study, variant: str, sampling: str) -> list[Any]:
    benchmarks = [load_benchmarks()[name] for name in study.evaluations()[variant, sampling]]
    return [*_answering(study, variant, sampling), study.bootstrap, benchmarks]


def _competing(study: Study, variant: str, budget: str) -> list[Any]:
    assert study.arena is not None  # without one there is no such job
    return [_evaluated(study, variant, sampling) for sampling in study.arena.entries(int(budget))]


def _conversing(study: Study, variant: str, sampling: str) -> list[Any]:
    own = study.dialogue_of(variant, sampling)
    benchmark = load_benchmarks()[own.benchmark]
    return [own, study.samplings[sampling], study.training_of(variant).key_frames, benchmark, study.allow_partial]


def _videos(study: Study, name: str) -> Any:
    dataset = study.datasets[name]
    if isinstance(dataset, LongVideoQA):  # its difficulty thins questions out after they are made
        return dataset.model_dump(mode="json", exclude={"difficulty"})
    if not isinstance(dataset, Published):
        return dataset
    # Loaders and registry decide a published benchmark's tables, and nothing of the procedural worlds.
    asked = {key: benchmark for key, benchmark in load_benchmarks().items() if benchmark.data == dataset.source}
    facts = [dataset, study.allow_partial, load_sources()[dataset.source], asked]
    return [*facts, code_digest("framethrift.published.annotations", "framethrift.published.lookup")]


def _videolm(study: Study, variant: str) -> Any:
    own = study.variants[variant]
    shown = [study.samplings[name] for name in getattr(own, "samplings", [])]
    start = getattr(own, "start", None)
    training = study.training_of(variant)
    # Where it goes on from counts with all that decides that model, not by its name.
    told = own.model_dump(mode="json", exclude={"start"})
    settings = [told, shown, study.models_of(variant), training.videolm, training.key_frames]
    return settings if start is None else [*settings, _videolm(study, start)]


def _reinforced(stage: str) -> Callable[[Study, str], Any]:
    def settings(study: Study, variant: str) -> Any:
        training, models = study.training_of(variant), study.models_of(variant)
        if study.method_of(variant) == "tspo":
            return [models.tspo, getattr(training, stage), training.key_frames]
        return [models.sampler, getattr(training, stage), training.set_likelihood, training.key_frames]

    return settings


_SETTINGS: dict[str, Callable[..., Any]] = {
    "videos": _videos,
    "codec": lambda study, dataset: study.recipes[study.datasets[dataset].recipe],
    "weights": lambda study: [
        study.models.vision.source,
        study.models.language.source,
        study.models.clip.source,
        [own.source for own in study.variants.values() if isinstance(own, BaselineVariant)],
    ],
    "tokenizer": lambda study: study.models.language,
    "vision": lambda study: [study.models.vision, study.training.vision],
    "clip": lambda study: [study.models.clip, study.training.clip],
    "delta": lambda study, name: [
        study.models_of(name).vision,
        study.models_of(name).delta_encoder,
        study.training_of(name).delta,
    ],
    "retrieval": lambda study, name: study.training_of(name).delta.datasets,
    "videolm": _videolm,
    "pass_rates": lambda study, variant: [study.training_of(variant).sampler.tries, study.training_of(variant).key_frames],
    "curate": lambda study, variant: [own.difficulty for own in study.long_sets(variant).values()],
    "sampler": _reinforced("sampler"),
    "joint": _reinforced("joint"),
    "answer": _answering,
    "evaluate": _evaluated,
    "arena": _competing,
    "judge": lambda study, variant, sampling: study.evaluations()[variant, sampling],
    "labels": lambda study, variant: [study.variants, study.samplings, study.cells, study.seeds],
    "latency": lambda study, variant: [
        [timed, [study.samplings[name] for name in timed.samplings]] for timed in study.latency if timed.variant == variant
    ],
    "dialogue": _conversing,
    "report": lambda study: [study, load_benchmarks()],
    "table": lambda study, name: [study, load_benchmarks()],
    "bundle": lambda study: [study, load_benchmarks()],
}
