"""How variants and samplings are called in tables and figures; derived from their settings, never from their names."""

from typing import Any

from framethrift.config import Study
from framethrift.config.sampling import Sampling, Select, Stream
from framethrift.config.variants import JointVariant, SamplerVariant, VideolmVariant

_DELTA_USE = {
    "keep": "",
    "zero": ", Δ-tokens zeroed",
    "swap": ", Δ-tokens of another video",
    "motion-only": ", motion tokens only",
    "residual-only": ", residual tokens only",
}


def slots_of(study: Study, variant: str) -> int:
    """Slots per GOP in the recipe of the variant's first dataset; of the study's first recipe for a model used as published."""
    datasets = study.dataset_of(variant)
    name = study.datasets[datasets[0]].recipe if datasets else next(iter(study.recipes))
    return study.recipes[name].slots


def sampling_label(sampling: Sampling, slots: int) -> str:
    """One line for a sampling of videos with `slots` slots per GOP, in the wording of Table 1."""
    if isinstance(sampling, Stream):
        keys = _plural(sampling.keyframes_per_gop, "key frame")
        others = slots - sampling.keyframes_per_gop
        if sampling.delta == "drop" or not others:
            return f"{keys} / GOP"
        return f"{keys} + {_plural(others, 'P-frame')} / GOP{_DELTA_USE[sampling.delta]}"
    if isinstance(sampling, Select):
        queries = {"none": "", "reasoned": ", reasoned queries", "question": ", question as query"}[sampling.queries]
        return f"{sampling.selector.replace('_', ' ')}, {_plural(sampling.frames, 'frame')}{queries}"
    return "no video"


def uses_delta(study: Study, name: str) -> bool:
    """Whether the variant was trained on streams with Δ-tokens."""
    variant = study.variants[name]
    return isinstance(variant, VideolmVariant) and variant.trained and _sees_delta(study, variant)


def changes(study: Study, name: str) -> list[str]:
    """In what a VideoLM variant departs from the study's own settings: an ablation; empty for the plain method."""
    variant = study.variants[name]
    if not isinstance(variant, VideolmVariant):
        return []
    told = [f"{field} = {value}" for field, value in _flat(variant.models) + _flat(variant.training)]
    return told + ([] if variant.delta_pretraining else ["no Δ-encoder pre-training"])


def _flat(overrides: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in overrides.items():
        pairs += _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return pairs


def variant_label(study: Study, name: str) -> str:
    """The variant's name with what it is."""
    variant = study.variants[name]
    if isinstance(variant, SamplerVariant):
        return f"{name} (sampler trained, MLLM frozen)"
    if isinstance(variant, JointVariant):
        training = study.training_of(name).joint
        trained = [part for part, on in (("MLLM", training.train_mllm), ("sampler", training.train_sampler)) if on]
        return f"{name} ({' and '.join(trained)} by RL)"
    return f"{name} ({_trained_on(study, variant)})"


def _trained_on(study: Study, variant: VideolmVariant) -> str:
    if not variant.trained:
        return "as published"
    return "Δ-tokens" if _sees_delta(study, variant) else "key frames"


def _sees_delta(study: Study, variant: VideolmVariant) -> bool:
    shown = [study.samplings[name] for name in variant.samplings]
    return any(isinstance(sampling, Stream) and sampling.delta != "drop" for sampling in shown)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
