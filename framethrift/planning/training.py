"""Estimates of the training stages."""

from framethrift.config.training import Optimisation
from framethrift.config.variants import JointVariant, SamplerVariant
from framethrift.models.reasoning import ANSWER_TOKENS, QUERY_TOKENS
from framethrift.planning.assumptions import Data, data_of
from framethrift.planning.counting import Work
from framethrift.planning.networks import Part
from framethrift.planning.stage import Estimator, Memory, Stage
from framethrift.planning.workload import View, candidates, key_frames, previews, view

WATCHED = 200  # validation questions that a reinforcement stage answers at every checkpoint


def towers(estimator: Estimator, rule: str) -> Stage:
    """Vision tower or CLIP: trained on captioned frames, or loaded."""
    study = estimator.study
    if getattr(study.models, rule).source:
        return Stage(rule, rule, estimator.given.overhead, notes=("loaded ready-made",))
    settings = getattr(study.training, rule)
    networks = estimator.networks(study.models, settings.precision)
    if rule == "vision":
        one, trained = networks.captioned, networks.counts["vision pre-training.siglip"]
    else:
        frame, text = networks.clip
        one, trained = frame + text, networks.counts["clip"]
    return _supervised(estimator, rule, rule, settings, Part(one, one.kept), trained, 0)


def delta(estimator: Estimator, name: str) -> Stage:
    """Δ pre-training: both frames through the frozen tower, the pair through what learns."""
    settings, models = estimator.study.training_of(name).delta, estimator.study.models_of(name)
    networks = estimator.networks(models, settings.precision)
    seen = Work(forward=2 * networks.tower.work.forward)
    counts = networks.counts
    trained = counts["delta_encoder"] + counts["delta pre-training.reference"] + counts["delta pre-training.warped"]
    one = networks.pair + seen
    return _supervised(estimator, "delta", name, settings, Part(one, one.kept), trained, counts["vision_tower"])


def videolm(estimator: Estimator, name: str) -> Stage:
    """Fine-tuning: the mean over the variant's samplings and datasets of what one conversation costs."""
    study, variant = estimator.study, estimator.study.videolm(name)
    if not variant.trained:
        return Stage("videolm", name, estimator.given.overhead, notes=("published weights",))
    settings = study.training_of(name).videolm
    networks = estimator.networks(study.models_of(name), settings.precision)
    shown = []
    for dataset in variant.datasets:
        seconds, recipe = data_of(study, dataset, estimator.given).seconds, study.recipes[study.datasets[dataset].recipe]
        for sampling in variant.samplings:
            shown.append(view(study.samplings[sampling], seconds, recipe, networks.costs, estimator.frames_of(name)))
    mean = sum(shown, start=View(0, 0, 0)) * (1 / len(shown))
    tower = settings.vision_learning_rate is not None
    part = estimator.learning(networks, mean, estimator.given.answer_tokens, tower)
    frozen = 0 if tower else networks.counts["vision_tower"]
    if not study.shows_delta(name):
        frozen += networks.counts["delta_encoder"]
    trained = networks.videolm - frozen
    if settings.lora is not None:  # FLOPs as without: the gradients of the frozen weights, which it saves, are counted
        language = networks.counts["language_model"]
        trained, frozen = trained - language + networks.adapters(settings.lora.rank), frozen + language
    return _supervised(estimator, "videolm", name, settings, part, trained, frozen)


def sampler(estimator: Estimator, name: str) -> Stage:
    """MSJoE stage 1: greedy answers of the frozen MLLM to drawn frame sets; the U-Net itself costs next to nothing."""
    study, variant = estimator.study, estimator.study.variants[name]
    assert isinstance(variant, SamplerVariant)
    settings, networks = study.training_of(name).sampler, estimator.networks_of(name)
    data = data_of(study, variant.dataset, estimator.given)
    frames = estimator.frames_of(name)
    tokens = key_frames(frames, data.seconds, networks.costs).tokens + estimator.given.question_tokens
    answer = estimator.reading(networks, tokens)
    rows = settings.questions * settings.draws
    unet = networks.sampling(candidates(data.seconds, frames.candidate_fps))
    step = rows * answer + settings.questions * unet.step
    writing = estimator.writing(networks, ANSWER_TOKENS * settings.steps, tokens)  # all rows of a step are written together
    validation = settings.steps / settings.checkpoint_every * WATCHED * answer
    flops = settings.steps * step + validation + embedding(estimator, name, data)
    trained = networks.counts["sampler"]
    memory = Memory.of(trained, networks.videolm, unet.kept, unet.kept)
    seconds = estimator.given.seconds(flops) + writing
    return _reinforced("sampler", name, settings.steps, settings.checkpoint_every, rows, step, flops, seconds, trained, memory)


def joint(estimator: Estimator, name: str) -> Stage:
    """MSJoE stage 2: queries and answers are written, then both turns of every rollout are learned from."""
    study, variant = estimator.study, estimator.study.variants[name]
    assert isinstance(variant, JointVariant)
    settings, networks, frames = study.training_of(name).joint, estimator.networks_of(name), estimator.frames_of(name)
    data = data_of(study, study.dataset_of(name)[0], estimator.given)
    rows = settings.questions * settings.group
    asking = previews(frames, data.seconds)
    answering = key_frames(frames, data.seconds, networks.costs)
    asked, answered = (shown.tokens + estimator.given.question_tokens for shown in (asking, answering))
    rollout = settings.questions * estimator.reading(networks, asked) + rows * estimator.reading(networks, answered)
    turns = [
        estimator.learning(networks, shown, tokens, tower=False, language_only=True)
        for shown, tokens in ((asking, QUERY_TOKENS), (answering, ANSWER_TOKENS))
    ]
    learned = turns[0].work + turns[1].work
    step = rollout + (rows * learned.step if settings.train_mllm else 0.0)
    writing = estimator.writing(networks, (QUERY_TOKENS + ANSWER_TOKENS) * settings.steps, answered)
    checked = WATCHED * (estimator.reading(networks, asked) + estimator.reading(networks, answered))
    flops = settings.steps * step + settings.steps / settings.checkpoint_every * checked + embedding(estimator, name, data)
    again = settings.steps * rows * learned.forward if estimator.given.checkpointing and settings.train_mllm else 0.0
    language = networks.counts["language_model"]
    trained = (language if settings.train_mllm else 0) + (networks.counts["sampler"] if settings.train_sampler else 0)
    longest = max(turns, key=lambda turn: turn.work.kept)
    memory = Memory.of(trained, networks.videolm - language, longest.work.kept, longest.checkpointed)
    seconds = estimator.given.seconds(flops + again) + writing
    return _reinforced("joint", name, settings.steps, settings.checkpoint_every, rows, step, flops, seconds, trained, memory)


def embedding(estimator: Estimator, name: str, data: Data) -> float:
    """FLOPs of embedding every candidate frame of a dataset once, for the MLLM and for CLIP."""
    networks, fps = estimator.networks_of(name), estimator.frames_of(name).candidate_fps
    frame = networks.tower.work.forward + networks.projector.forward + networks.clip[0].forward
    return data.videos * candidates(data.seconds, fps) * frame


def _supervised(
    estimator: Estimator, rule: str, name: str, settings: Optimisation, one: Part, trained: int, frozen: int
) -> Stage:
    flops = one.work.step * settings.batch_size
    seconds = (estimator.step_seconds(one) if rule == "videolm" else estimator.given.seconds(one.work.step)) * settings.batch_size
    return Stage(
        rule,
        name,
        gpu_seconds=settings.steps * seconds,
        wide=True,
        steps=settings.steps,
        samples=settings.steps * settings.batch_size,
        step_flops=flops,
        flops=settings.steps * flops,
        trained=trained,
        memory=Memory.of(trained, frozen, one.work.kept, one.checkpointed),
        checkpoint_every=min(1.0, settings.checkpoint_every / settings.steps),
    )


def _reinforced(
    rule: str,
    name: str,
    steps: int,
    every: int,
    rows: int,
    step: float,
    flops: float,
    seconds: float,
    trained: int,
    memory: Memory,
) -> Stage:
    return Stage(
        rule,
        name,
        gpu_seconds=seconds,
        wide=True,
        steps=steps,
        samples=steps * rows,
        step_flops=step,
        flops=flops,
        trained=trained,
        memory=memory,
        checkpoint_every=min(1.0, every / steps),
    )
