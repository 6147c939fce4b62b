"""How variants and samplings are called in tables and figures; derived from their settings, never from their names."""

from pathlib import PurePath

from framethrift.config import Study
from framethrift.config.recipe import Recipe
from framethrift.config.rows import Row, changes, recipe_shown
from framethrift.config.sampling import Chance, Replay, Sampling, Select, Stream, Tiered
from framethrift.config.variants import BaselineVariant, JointVariant, SamplerVariant, VideolmVariant

_DELTA_USE = {
    "keep": "",
    "zero": ", Δ-tokens zeroed",
    "swap": ", Δ-tokens of another video",
    "motion-only": ", motion tokens only",
    "residual-only": ", residual tokens only",
    "gop-mean": ", their Δ-tokens averaged into one P-frame's",
}


def row_label(study: Study, row: Row) -> str:
    """One line for what a (variant, sampling) is shown: of its benchmarks' videos where it is evaluated, else of its own."""
    return sampling_label(study.samplings[row[1]], recipe_shown(study, row))


def sampling_label(sampling: Sampling, recipe: Recipe) -> str:
    """One line for a sampling of videos of `recipe`, in the wording of Table 1."""
    if isinstance(sampling, Stream | Select):
        fewer = f", {sampling.reducer.name} at {100 * sampling.reducer.share:g} %" if sampling.reducer else ""
        return _shown_label(sampling, recipe) + fewer + (", shuffled" if sampling.order == "shuffled" else "")
    return "random choice" if isinstance(sampling, Chance) else "no video"


def _shown_label(sampling: Stream | Select, recipe: Recipe) -> str:
    if isinstance(sampling, Stream):
        keys = _plural(sampling.keyframes_per_gop, "key frame")
        others = recipe.slots_at(sampling.window) - sampling.keyframes_per_gop
        if sampling.delta == "drop" or (not others and sampling.fusion == "fixed"):
            return f"{keys} / GOP"
        if sampling.fusion == "adaptive":
            spent = f"{sampling.budget} tokens" if sampling.budget else "the tokens of fixed fusion"
            by = sampling.energy.replace("_", " ")
            return f"{keys} / GOP, adaptive P-frames (by {by}, {spent}){_DELTA_USE[sampling.delta]}"
        windows = f", fusion s = {sampling.window}" if sampling.window not in (None, recipe.window) else ""
        return f"{keys} + {_plural(others, 'P-frame')} / GOP{windows}{_DELTA_USE[sampling.delta]}"
    queries = {"none": "", "reasoned": ", reasoned queries", "question": ", question as query"}[sampling.queries]
    rest = ", the rest as Δ-tokens" if sampling.rest == "delta" else ""
    if isinstance(sampling, Tiered):
        tiers = f"{sampling.high} + {sampling.mid} + {sampling.low} frames at full, half and quarter side"
        return f"{sampling.selector.replace('_', ' ')}, {tiers}{queries}"
    chosen = (
        f"replay of {PurePath(sampling.indices).name}" if isinstance(sampling, Replay) else sampling.selector.replace("_", " ")
    )
    return f"{chosen}, {_plural(sampling.frames, 'frame')}{queries}{rest}"


def change_label(study: Study, name: str) -> str:
    """What an ablated variant changes, in one line; "none" for the plain method."""
    told = changes(study, name)
    words = ["no Δ-encoder pre-training"] if told.pop("delta_pretraining", True) is False else []
    return "; ".join([*(f"{field.split('.', 1)[-1]} = {value}" for field, value in told.items()), *words]) or "none"


def variant_label(study: Study, name: str) -> str:
    """The variant's name with what it is."""
    variant = study.variants[name]
    if isinstance(variant, SamplerVariant):
        return f"{name} ({'TSPO agent' if variant.method == 'tspo' else 'sampler'} trained, MLLM frozen)"
    if isinstance(variant, JointVariant):
        training = study.training_of(name).joint
        trained = [part for part, on in (("MLLM", training.train_mllm), ("sampler", training.train_sampler)) if on]
        return f"{name} ({' and '.join(trained)} by RL)"
    if isinstance(variant, BaselineVariant):
        return f"{name} ({variant.family.replace('_', ' ')}, as published)"
    return f"{name} ({_trained_on(study, name, variant)})"


def _trained_on(study: Study, name: str, variant: VideolmVariant) -> str:
    if not variant.trained:
        return "as published"
    return "Δ-tokens" if study.shows_delta(name) else "key frames"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
