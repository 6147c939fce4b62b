"""Whether every video of a study can be shown as its samplings say: key frames and fusion windows against the recipes."""

from framethrift.config.benchmarks import datasets_of
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Stream
from framethrift.config.study import Study


def check_showing(study: Study) -> None:
    """Check every token stream against the recipes of the videos that it shows.

    Raises ValueError naming the sampling's field, the value and what is allowed.
    """
    for name, sampling in study.samplings.items():
        if isinstance(sampling, Stream):
            for recipe in recipes_shown(study, name):
                _check(name, sampling, recipe, study.recipes[recipe])


def recipes_shown(study: Study, sampling: str) -> list[str]:
    """Names of the recipes of the videos that are shown under `sampling`, in training, evaluation, conversations or timing."""
    datasets = [
        dataset
        for (_, shown), benchmarks in study.evaluations().items()
        if shown == sampling
        for benchmark in benchmarks
        for dataset in datasets_of(study, benchmark)
    ]
    datasets += [
        dataset
        for variant in study.variants.values()
        if sampling in getattr(variant, "samplings", [])
        for dataset in getattr(variant, "datasets", [])
    ]
    datasets += [dataset for own in study.dialogues if own.sampling == sampling for dataset in datasets_of(study, own.benchmark)]
    names = [study.datasets[dataset].recipe for dataset in datasets]
    timed = [study.recipe_of(timed.variant) for timed in study.latency if sampling in timed.samplings]
    names += [name for name, recipe in study.recipes.items() if recipe in timed]
    return list(dict.fromkeys(names))


def _check(name: str, sampling: Stream, recipe_name: str, recipe: Recipe) -> None:
    try:
        fixed = recipe.slots_at(sampling.window)
    except ValueError as error:
        raise ValueError(f"samplings.{name}.window: {error} (recipe {recipe_name})") from error
    # Adaptive fusion may show any frame; fixed fusion only the slots.
    slots = recipe.gop if sampling.fusion == "adaptive" else fixed
    if sampling.keyframes_per_gop > slots:
        raise ValueError(
            f"samplings.{name}.keyframes_per_gop: {sampling.keyframes_per_gop} key frames do not fit into "
            f"a GOP of {slots} slots (recipe {recipe_name}); allowed: 1 to {slots}"
        )
