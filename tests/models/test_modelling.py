"""The VideoLM: the same logits as plain transformers modules, placeholders, packed questions, context."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM, SiglipVisionModel

from framethrift.config.models import Models
from framethrift.models.configuration import meta_config
from framethrift.models.delta_pretrainer import build_delta_pretrainer
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import ContextOverflow, token_budget

Model, Processor = CopeVideoForConditionalGeneration, CopeVideoProcessor


@pytest.mark.parametrize("stride", [1, 2])
@torch.no_grad()
def test_all_key_frames_equal_an_independent_path(
    tiny: Models, tower_folder: Path, tokenizer: PreTrainedTokenizerFast, clip: Callable, stride: int
) -> None:
    """transformers' own SigLIP (hidden state before the last layer), two linear layers, interpolation, newline per row, Qwen2."""
    tiny = tiny.model_copy(update={"vision": tiny.vision.model_copy(update={"pool_stride": stride})})
    model = build_videolm(tiny, tower_folder, tokenizer, None, seed=0)
    processor = CopeVideoProcessor.of(tiny, tokenizer)
    items, frames, _, _ = clip(1, gops=2, slots=2, keyframes=2)
    assert {item.kind for item in items} == {"I"}
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames)
    ours = model(**inputs).logits

    tower = SiglipVisionModel.from_pretrained(tower_folder).eval()
    states = tower(pixel_values=inputs["pixel_values"], output_hidden_states=True).hidden_states[-2]
    first, second = model.projector.first, model.projector.second
    projected = functional.linear(
        functional.gelu(functional.linear(states, first.weight, first.bias)), second.weight, second.bias
    )
    side = -(-6 // stride)
    pooled = functional.interpolate(projected.view(4, 6, 6, -1).permute(0, 3, 1, 2), size=(side, side), mode="bilinear").permute(
        0, 2, 3, 1
    )
    newline = model.image_newline.expand(4, side, 1, -1)
    visual = torch.cat([pooled, newline], dim=2).reshape(4 * side * (side + 1), -1)
    language = Qwen2ForCausalLM(model.config.text_config).eval()
    language.load_state_dict(model.language_model.state_dict())
    before, after = processor.prompt("which way?", "<|video|>").split("<|video|>")
    text = [language.model.embed_tokens(torch.tensor(tokenizer(part).input_ids)) for part in (before, after)]
    plain = language(inputs_embeds=torch.cat([text[0], visual, text[1]])[None]).logits
    assert ours.shape == plain.shape
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=0)


@torch.no_grad()
def test_delta_tokens_go_through_the_projector_to_their_places(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, motion, residual = clip(2, gops=2, slots=3)
    stream = processor.expand(items)
    inputs = processor(processor.prompt("which way?", stream), frames, motion, residual)
    ids = inputs["input_ids"][0]
    visual = sum(
        int((ids == token).sum())
        for token in (model.config.image_token_id, model.config.newline_token_id, model.config.delta_token_id)
    )
    assert visual == token_budget(items, processor.costs()) == 2 * 42 + 4 * 10
    embedded = model.embed(
        inputs["input_ids"], pixel_values=inputs["pixel_values"], motion=inputs["motion"], residual=inputs["residual"]
    )[0]
    tokens = torch.cat(model.delta_encoder(inputs["motion"], inputs["residual"]), dim=1)
    torch.testing.assert_close(embedded[ids == model.config.delta_token_id], model.projector(tokens).flatten(0, 1))
    deltas = (ids == model.config.delta_token_id).nonzero()[:, 0].tolist()
    groups = [deltas[i : i + 4] for i in range(0, len(deltas), 4)]
    assert len(groups) == 8 and all(
        group[-1] - group[0] == 3 and int(ids[group[-1] + 1]) == model.config.newline_token_id for group in groups
    )


@torch.no_grad()
def test_given_features_and_delta_embeddings_skip_their_encoders(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, motion, residual = clip(3)
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames, motion, residual)
    expected = model(**inputs).logits
    features = model.vision_features(inputs.pop("pixel_values"))
    embeds = model.delta_embeddings(inputs.pop("motion"), inputs.pop("residual"))
    assert torch.equal(model(**inputs, image_features=features, delta_embeds=embeds).logits, expected)


@torch.no_grad()
def test_delta_use_changes_the_answer_only_through_delta_tokens(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, motion, residual = clip(3)
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames, motion, residual)
    kept, zeroed = model(**inputs).logits, model(**inputs, delta_use="zero").logits
    assert torch.equal(kept, model(**inputs, delta_use="keep").logits) and not torch.allclose(kept, zeroed)
    other = model(**{**inputs, "motion": inputs["motion"].flip(0), "residual": inputs["residual"] * 0}, delta_use="zero").logits
    assert torch.equal(zeroed, other)


@torch.no_grad()
def test_each_image_may_have_its_own_grid(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, _, _ = clip(4, gops=3, delta="drop")
    inputs = processor(processor.prompt("which way?", processor.expand(items, [3, 6, 2])), frames, image_grids=[3, 6, 2])
    embedded = model.embed(inputs["input_ids"], pixel_values=inputs["pixel_values"], image_grids=inputs["image_grids"])
    where = inputs["input_ids"] == model.config.image_token_id
    features = model.vision_features(inputs["pixel_values"])
    expected = torch.cat([model.image_embeddings(features[i : i + 1], grid)[0] for i, grid in enumerate((3, 6, 2))])
    assert int(where.sum()) == 9 + 36 + 4
    torch.testing.assert_close(embedded[where], expected)


def test_mismatched_placeholders_are_refused(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, motion, residual = clip(5)
    prompt = processor.prompt("which way?", processor.expand(items))
    with pytest.raises(ValueError, match=r"has 36 <.image.> placeholders, but 0 image embeddings"):
        model(**processor(prompt, None, motion, residual))
    with pytest.raises(ValueError, match=r"has 24 <.delta.> placeholders, but 16 delta embeddings"):
        model(**processor(prompt, frames, motion[:2], residual[:2]))
    with pytest.raises(ValueError, match=r"has 0 <.image.> placeholders, but 36 image embeddings"):
        model(**processor("no video", frames))
    with pytest.raises(ValueError, match="grids names 2 sides for 1 I-frames"):
        processor.expand(items, [6, 6])
    with pytest.raises(ValueError, match="image_grids names 2 grids for 1 images"):
        model(**processor(prompt, frames, motion, residual, image_grids=[6, 6]))
    with pytest.raises(ValueError, match="expected 6 x 6 = 36 patches"):
        model.image_embeddings(torch.zeros(1, 35, 48))


def test_a_sequence_beyond_the_context_is_refused(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, _, _ = clip(6, gops=13, delta="drop")
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames)
    length = inputs["input_ids"].shape[1]
    with pytest.raises(
        ContextOverflow,
        match=f"{length} tokens .at most 468 image tokens and 0 Δ-tokens per row. exceeds the context of 512: show fewer GOPs",
    ):
        model(**inputs)
    short = {"input_ids": inputs["input_ids"][:, -8:], "position_ids": torch.arange(508, 516)[None]}
    with pytest.raises(ContextOverflow, match="516 tokens"):
        model(**short)


def test_the_pretrained_delta_encoder_is_taken_over(
    tiny: Models, tower_folder: Path, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    pretrainer = build_delta_pretrainer(tiny.delta_encoder, 48, seed=5)
    pretrainer.save(tmp_path)
    model = build_videolm(tiny, tower_folder, tokenizer, tmp_path, seed=0)
    assert all(torch.equal(a, b) for a, b in zip(model.delta_encoder.parameters(), pretrainer.encoder.parameters(), strict=True))
    other = tiny.model_copy(update={"delta_encoder": tiny.delta_encoder.model_copy(update={"motion_tokens": 2})})
    with pytest.raises(ValueError, match=r"pre-trained for width 48 with .*motion_tokens=4 .* asks for .*motion_tokens=2"):
        build_videolm(other, tower_folder, tokenizer, tmp_path, seed=0)


def test_a_trained_videolm_is_a_start_too(model: Model, tiny: Models, tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    """models.language.source: everything but the Δ-encoder, which follows the study's settings."""
    model.save_pretrained(tmp_path)
    language = tiny.language.model_copy(update={"source": str(tmp_path)})
    encoder = tiny.delta_encoder.model_copy(update={"motion_tokens": 2})
    start = build_videolm(tiny.model_copy(update={"language": language, "delta_encoder": encoder}), "", tokenizer, None, seed=1)
    assert start.config.delta_settings == encoder and start.delta_encoder.token_count == 6
    mine, theirs = model.state_dict(), start.state_dict()
    kept = [name for name in mine if not name.startswith("delta_encoder.")]
    assert all(torch.equal(mine[name], theirs[name]) for name in kept)


def test_seeds_decide_the_random_parts(
    tiny: Models, tower_folder: Path, tokenizer: PreTrainedTokenizerFast, model: Model
) -> None:
    same, other = (build_videolm(tiny, tower_folder, tokenizer, None, seed=seed).state_dict() for seed in (0, 1))
    mine = model.state_dict()
    assert all(torch.equal(mine[name], same[name]) for name in mine)
    moved = {name.split(".")[0] for name in mine if mine[name].is_floating_point() and not torch.equal(mine[name], other[name])}
    assert moved == {"delta_encoder", "projector", "image_newline", "language_model"}


def test_a_vocabulary_below_the_tokenizers_is_refused(
    tiny: Models, tower_folder: Path, tokenizer: PreTrainedTokenizerFast
) -> None:
    small = tiny.model_copy(update={"language": tiny.language.model_copy(update={"vocabulary": 300})})
    with pytest.raises(ValueError, match=r"models\.language\.vocabulary 300 is below the tokenizer's \d+ tokens"):
        build_videolm(small, tower_folder, tokenizer, None, seed=0)


def test_the_default_settings_are_llava_video_7b() -> None:
    with torch.device("meta"):
        model = CopeVideoForConditionalGeneration(meta_config(Models()))
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert counts["language_model"] == 7_615_616_512  # Qwen2-7B
    assert counts["projector"] == 1152 * 3584 + 3584 + 3584 * 3584 + 3584
    assert counts["delta_encoder"] < 15_000_000
    assert (model.config.grid, len(model.vision_tower.encoder.layers)) == (14, 26)
