"""How variants and samplings are called in tables and figures; derived from their settings, never from their names."""

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
    """Slots per GOP in the recipe of the variant's first dataset."""
    return study.recipes[study.datasets[study.dataset_of(variant)[0]].recipe].slots


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
    shown = [study.samplings[name] for name in variant.samplings]
    if any(isinstance(sampling, Stream) and sampling.delta != "drop" for sampling in shown):
        return "Δ-tokens"
    return "key frames"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
