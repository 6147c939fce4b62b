"""Estimates of the stages that only run models, and of those that need no GPU."""

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Replay, Sampling, Select, Stream, Tiered
from framethrift.config.variants import SamplerVariant
from framethrift.models.reasoning import ANSWER_TOKENS, QUERY_TOKENS
from framethrift.planning.assumptions import benchmark_data, data_of
from framethrift.planning.networks import Networks
from framethrift.planning.stage import Estimator, Stage
from framethrift.planning.training import embedding
from framethrift.planning.workload import View, candidates, key_frames, previews, view
from framethrift.tokens import gops_that_fit


def data(estimator: Estimator, rule: str, name: str) -> Stage:
    """Ingesting or re-encoding a dataset: core-seconds, whatever the GPU."""
    splits = [data_of(estimator.study, name, estimator.given, split) for split in ("train", "validation", "test")]
    length = sum(split.videos * split.seconds for split in splits)
    return Stage(rule, name, cpu_seconds=length / estimator.given.codec_speed, samples=sum(split.videos for split in splits))


def retrieval(estimator: Estimator, name: str) -> Stage:
    """Every window of the test videos (the held-out ones of a published dataset): two frames and one prediction."""
    study = estimator.study
    networks = estimator.networks(study.models_of(name))
    windows = 0.0
    for dataset in study.training_of(name).delta.datasets:
        held = [data_of(study, dataset, estimator.given, split) for split in ("test", "validation")]
        shown = held[0] if held[0].videos else held[1]
        recipe = study.recipes[study.datasets[dataset].recipe]
        windows += shown.videos * shown.seconds * recipe.fps / recipe.window
    flops = windows * (networks.tower.work.forward + networks.pair.forward)
    return Stage("retrieval", name, estimator.given.seconds(flops), samples=round(windows), flops=flops)


def pass_rates(estimator: Estimator, name: str) -> Stage:
    """Every training question: the MLLM's queries, and one greedy answer per try."""
    study, networks, frames = estimator.study, estimator.networks_of(name), estimator.frames_of(name)
    names = sorted({v.dataset for v in study.variants.values() if isinstance(v, SamplerVariant) and v.mllm == name})
    tries, text = study.training_of(name).sampler.tries, estimator.given.question_tokens
    flops, seconds, asked = 0.0, 0.0, 0
    for dataset in names or study.dataset_of(name):
        size = data_of(study, dataset, estimator.given)
        asked += size.questions
        prompts = previews(frames, size.seconds), key_frames(frames, size.seconds, networks.costs)
        own = size.questions / max(1, size.videos) * text
        read = estimator.reading(networks, prompts[0].tokens + own) + tries * estimator.reading(networks, prompts[1].tokens + own)
        flops += size.videos * read + embedding(estimator, name, size)
        seconds += estimator.writing(networks, size.videos * (QUERY_TOKENS + tries * ANSWER_TOKENS), prompts[1].tokens)
    return Stage("pass_rates", name, estimator.given.seconds(flops) + seconds, samples=asked, flops=flops)


def evaluate(estimator: Estimator, variant: str, sampling: str) -> Stage:
    """Every question of the cell's benchmarks, with every seed; what a video is shown as is shared by its questions where it does
    not depend on them."""
    study, networks, frames = estimator.study, estimator.networks_of(variant), estimator.frames_of(variant)
    how, recipe = study.samplings[sampling], study.recipe_of(study.mllm_of(variant))
    flops, seconds, asked, long = 0.0, 0.0, 0, []
    for benchmark in study.evaluations()[variant, sampling]:
        size = benchmark_data(study, benchmark, estimator.given)
        shown = view(how, size.seconds, recipe, networks.costs, frames)
        if shown.tokens + estimator.given.question_tokens > networks.models.language.context:
            long.append(f"{benchmark} ({shown.tokens:,.0f} visual tokens)")
        scored = isinstance(how, Select) and how.queries != "none"
        views = size.questions if scored or isinstance(how, Replay) else size.videos
        text = size.questions / max(1, views) * estimator.given.question_tokens
        flops += views * (estimator.looking(networks, shown) + estimator.reading(networks, shown.tokens + text))
        seconds += estimator.writing(networks, size.questions * _new_tokens(estimator, benchmark), shown.tokens)
        if isinstance(how, Select) and scored:
            flops += _scoring(networks, size.videos * candidates(size.seconds, how.candidate_fps), size.questions)
            if how.queries == "reasoned":
                hint = previews(frames, size.seconds)
                flops += size.questions * (estimator.looking(networks, hint) + estimator.reading(networks, hint.tokens + text))
                seconds += estimator.writing(networks, size.questions * QUERY_TOKENS, hint.tokens)
        asked += size.questions
    seeds = len(study.seeds)
    total = seeds * (estimator.given.seconds(flops) + seconds)
    notes = []
    if long:
        over = f"a video of mean length exceeds the context of {networks.models.language.context:,} tokens on {', '.join(long)}"
        notes.append(f"{over}: {_most(how, recipe, networks, estimator.given.question_tokens)}")
    return Stage("evaluate", f"{variant} {sampling}", total, samples=seeds * asked, flops=seeds * flops, notes=tuple(notes))


def arena(estimator: Estimator, variant: str, budget: int) -> Stage:
    """Every method's cells at one budget, as if no token were dropped."""
    assert estimator.study.arena is not None  # without one there is no such job
    stages = [evaluate(estimator, variant, sampling) for sampling in estimator.study.arena.entries(budget)]
    notes = dict.fromkeys(note for stage in stages for note in stage.notes)
    return Stage(
        "arena",
        f"{variant} {budget} %",
        sum(stage.gpu_seconds for stage in stages),
        samples=sum(stage.samples for stage in stages),
        flops=sum(stage.flops for stage in stages),
        notes=(*notes, "what the reducers save is not counted"),
    )


def _most(how: Sampling, recipe: Recipe, networks: Networks, text: int) -> str:
    """What to lower so that the sampling fits into the context."""
    context, costs = networks.models.language.context, networks.costs
    if isinstance(how, Tiered):
        return "lower high, mid or low"
    if not isinstance(how, Stream):
        return f"lower frames to {gops_that_fit(context, costs, 1, 0, text)}"
    deltas = 0 if how.delta == "drop" else recipe.slots_at(how.window) - how.keyframes_per_gop
    return f"lower max_gops to {gops_that_fit(context, costs, how.keyframes_per_gop, deltas, text)}"


def latency(estimator: Estimator, name: str) -> Stage:
    """Every timed sampling, repeated after one warm-up."""
    study, networks, frames = estimator.study, estimator.networks_of(name), estimator.frames_of(name)
    flops, seconds, runs = 0.0, 0.0, 0
    for timed in study.latency:
        if timed.variant != name:
            continue
        for sampling in timed.samplings:
            shown: View = view(study.samplings[sampling], timed.seconds, study.recipe_of(name), networks.costs, frames)
            once = estimator.looking(networks, shown) + estimator.reading(
                networks, shown.tokens + estimator.given.question_tokens
            )
            flops += (timed.repeats + 1) * once
            seconds += (timed.repeats + 1) * estimator.writing(networks, timed.output_tokens, shown.tokens)
            runs += timed.repeats + 1
    return Stage("latency", name, estimator.given.seconds(flops) + seconds, samples=runs, flops=flops)


def dialogue(estimator: Estimator, variant: str, sampling: str) -> Stage:
    """Every conversation: its video is looked at once, and every turn reads its own question; one more look warms up."""
    study, networks, frames = estimator.study, estimator.networks_of(variant), estimator.frames_of(variant)
    own = study.dialogue_of(variant, sampling)
    length = benchmark_data(study, own.benchmark, estimator.given).seconds
    shown = view(study.samplings[sampling], length, study.recipe_of(variant), networks.costs, frames)
    tokens, turns = shown.tokens + own.turns * estimator.given.question_tokens, own.videos * own.turns
    flops = (own.videos + 1) * (estimator.looking(networks, shown) + estimator.reading(networks, tokens))
    seconds = estimator.given.seconds(flops) + estimator.writing(networks, turns * _new_tokens(estimator, own.benchmark), tokens)
    return Stage("dialogue", f"{variant} {sampling}", seconds, samples=turns, flops=flops)


def _new_tokens(estimator: Estimator, benchmark: str) -> int:
    """Tokens of one answer."""
    return estimator.given.open_tokens if load_benchmarks()[benchmark].answers == "open" else ANSWER_TOKENS


def _scoring(networks: Networks, frames: float, questions: float) -> float:
    frame, text = networks.clip
    return frames * frame.forward + questions * networks.models.sampler.max_queries * text.forward
