"""What is counted without weights, against models that are really built and run."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from framethrift.config.load import load_study
from framethrift.config.models import DeltaEncoder, LanguageModel, Models, VisionTower
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Select, Tiered
from framethrift.config.training import KeyFrames
from framethrift.models.clip import build_clip
from framethrift.models.delta_pretrainer import build_delta_pretrainer, patch_regression
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.sampler import UNetSampler
from framethrift.models.tokenizer import build_tokenizer
from framethrift.models.vision import build_siglip
from framethrift.planning.counting import Growth, Work, counter, parameters
from framethrift.planning.networks import Networks
from framethrift.planning.workload import view
from framethrift.tokens import TokenCosts, fixed_slots, plan_selected, token_budget

ROOT = Path(__file__).parents[2]
IMAGES, DELTAS, TEXT = 3, 2, 11


@pytest.fixture(scope="module")
def tiny() -> Models:
    return Models(
        vision=VisionTower(hidden_size=48, intermediate_size=64, layers=4, heads=4, image_size=96, patch_size=16, pool_stride=2),
        language=LanguageModel(hidden_size=64, intermediate_size=96, layers=3, heads=4, kv_heads=2, context=512, vocabulary=320),
        delta_encoder=DeltaEncoder(width=36, layers=2, heads=3, image_size=96, trunk_widths=(8, 12, 16), trunk_depths=(1, 1, 1)),
    )


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_tokenizer(["which way did it move ?"], 320)


@pytest.fixture(scope="module")
def built(tiny: Models, tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Callable:
    folder = tmp_path_factory.mktemp("plan") / "vision"
    build_siglip(tiny.vision, len(tokenizer), seed=0).save_pretrained(folder)
    return build_videolm(tiny, folder, tokenizer, None, seed=0).train()


@pytest.fixture(scope="module")
def networks(tiny: Models) -> Networks:
    return Networks(tiny, mixed=False)


def _inputs(model: CopeVideoForConditionalGeneration, networks: Networks) -> dict[str, torch.Tensor]:
    """A prompt with images, P-frames and text; returns what `forward` takes."""
    costs, config = networks.costs, model.config
    image = [config.image_token_id] * costs.image_tokens + [config.newline_token_id] * costs.newline_tokens
    p_frame = [config.delta_token_id] * costs.delta_tokens + [config.newline_token_id] * costs.delta_newlines
    ids = image * IMAGES + p_frame * DELTAS + [1] * TEXT
    return {
        "input_ids": torch.tensor([ids]),
        "pixel_values": torch.rand(IMAGES, 3, 96, 96),
        "motion": torch.rand(DELTAS, 2, 96, 96),
        "residual": torch.rand(DELTAS, 3, 96, 96),
    }


def _expected(networks: Networks, length: int) -> Work:
    seen = networks.tower.work * IMAGES + networks.projector * IMAGES + networks.delta * DELTAS
    return seen + networks.sequence(length).work + networks.head * length


def test_flops_are_those_of_a_real_step(built: CopeVideoForConditionalGeneration, networks: Networks) -> None:
    inputs = _inputs(built, networks)
    expected = _expected(networks, inputs["input_ids"].shape[1])
    with counter() as ahead:
        logits = built(**inputs, use_cache=False).logits
    with counter() as back:
        logits.sum().backward()
    assert ahead.get_total_flops() == pytest.approx(expected.forward, rel=1e-9)
    assert back.get_total_flops() == pytest.approx(expected.backward, rel=1e-9)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_activations_are_those_that_autograd_keeps(
    built: CopeVideoForConditionalGeneration, networks: Networks, checkpointing: bool
) -> None:
    inputs = _inputs(built, networks)
    inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.ones((1, 150), dtype=torch.long)], dim=1)
    length = inputs["input_ids"].shape[1]
    # As packed conversations are trained: with a mask, which attention keeps layer by layer.
    inputs |= {"attention_mask": torch.ones(1, 1, length, length).tril().bool(), "position_ids": torch.arange(length)[None]}
    weights = {p.untyped_storage()._cdata for p in built.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage
        return tensor

    (built.activation_checkpointing_enable if checkpointing else built.activation_checkpointing_disable)()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = built(**inputs, use_cache=False).logits
    built.activation_checkpointing_disable()
    assert logits.requires_grad
    found = sum(storage.nbytes() for storage in kept.values())
    head = networks.head.kept - 4 * built.config.text_config.vocab_size  # no loss here, so no logits are kept
    tower, language = networks.tower, networks.sequence(length)
    rest = networks.projector.kept * IMAGES + networks.delta.kept * DELTAS + head * length
    if checkpointing:  # while one layer of each stack is computed again, its own activations come on top
        again = (language.work.kept - language.checkpointed) / (3 - 1), (tower.work.kept - tower.checkpointed) / (3 - 1) * IMAGES
        expected = language.checkpointed + tower.checkpointed * IMAGES - sum(again) + rest
    else:
        expected = language.work.kept + tower.work.kept * IMAGES + rest
    assert found == pytest.approx(expected, rel=0.03)
    assert language.checkpointed < 0.5 * language.work.kept


def test_delta_pretraining_is_counted_exactly(tiny: Models, networks: Networks) -> None:
    pretrainer = build_delta_pretrainer(tiny.delta_encoder, 48, seed=0)
    tokens = torch.rand(1, 36, 48)
    with counter() as ahead:
        loss = patch_regression(pretrainer(tokens, torch.rand(1, 2, 96, 96), torch.rand(1, 3, 96, 96)), torch.rand(1, 36, 48))
    with counter() as back:
        loss.backward()
    assert (ahead.get_total_flops(), back.get_total_flops()) == (networks.pair.forward, networks.pair.backward)
    counts = networks.counts
    own = counts["delta_encoder"] + counts["delta pre-training.reference"] + counts["delta pre-training.warped"]
    assert own == parameters(pretrainer)


def test_writing_a_token_costs_what_it_adds_to_the_sequence(networks: Networks, tiny: Models) -> None:
    growth = [networks.sequence(length).work.forward for length in (40, 41)]
    # Attention without its causal half: a sequence counts every pair twice, a single token once.
    pair = networks._language[0].pair.forward
    assert networks.following(40) == pytest.approx(growth[1] - growth[0] - 41 * pair + networks.head.forward)


def test_growth_is_linear_plus_quadratic() -> None:
    growth = Growth.measured(lambda n: Work(3.0 * n + 2.0 * n * n, 5.0 * n, 7.0 * n))
    assert growth.of(1000) == Work(3000.0 + 2e6, 5000.0, 7000.0)


@pytest.mark.parametrize("study", ["mini", "small"])
def test_predicted_parameters_are_those_of_the_built_models(study: str, tmp_path: Path) -> None:
    models = load_study(ROOT / f"config/studies/{study}.yaml").models
    tokenizer = build_tokenizer(["which way did it move ?"], models.language.vocabulary)
    siglip = build_siglip(models.vision, models.language.vocabulary, seed=0)
    siglip.save_pretrained(tmp_path / "vision")
    model = build_videolm(models, tmp_path / "vision", tokenizer, None, seed=0)
    predicted = Networks(models, mixed=False)
    assert predicted.videolm == parameters(model)
    assert predicted.counts["vision_tower"] == parameters(model.vision_tower)
    assert predicted.counts["vision pre-training.siglip"] == parameters(siglip)
    unused = (models.language.vocabulary - len(tokenizer)) * models.clip.text_width
    assert predicted.counts["clip"] == parameters(build_clip(models.clip, tokenizer, seed=0)) + unused
    assert predicted.counts["sampler"] == parameters(UNetSampler(models.sampler))


def test_the_paper_study_is_llava_video_7b() -> None:
    counts = Networks(load_study(ROOT / "config/studies/paper.yaml").models, mixed=True).counts
    assert counts["language_model"] == 7_615_616_512  # Qwen2-7B
    assert counts["delta_encoder"] < 15_000_000  # Supp. B
    assert counts["clip"] == 427_616_513  # OpenAI's ViT-L/14
    assert 1_500_000 < counts["sampler"] < 2_500_000  # MSJoE: about 2M


def test_chosen_frames_between_delta_tokens_cost_what_is_shown_on_average() -> None:
    recipe, costs = Recipe(fps=1, gop=8, window=1, width=48, height=48), TokenCosts.of(3, 1, 1)
    expected = view(Select(frames=4, rest="delta"), 96, recipe, costs, KeyFrames(frames=4, previews=2, grid=3))
    slots = fixed_slots(list(range(0, 96, 8)), 96, 1.0, 1)
    rng, spent = np.random.default_rng(0), []
    for _ in range(400):
        chosen = rng.choice(96, 4, replace=False).astype(float).tolist()
        spent.append(token_budget(plan_selected(slots.times, slots.valid, chosen), costs))
    assert expected.images == 4 and expected.deltas == pytest.approx(80.5)
    assert expected.tokens == pytest.approx(np.mean(spent), abs=0.5)


def test_frames_in_tiers_are_all_seen_and_cost_their_own_sizes() -> None:
    recipe, costs = Recipe(fps=1, gop=8, window=1, width=48, height=48), TokenCosts.of(14, 4, 4)
    whole = view(Tiered(), 96, recipe, costs, KeyFrames())
    assert (whole.images, whole.deltas, whole.tokens) == (44, 0, 4 * 210 + 8 * 56 + 32 * 20)
    short = view(Tiered(), 6, recipe, costs, KeyFrames(grid=8))
    assert (short.images, short.tokens) == (6, 4 * 72 + 2 * 20)
