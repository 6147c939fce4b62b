"""generate: cache, padding, batches of unequal streams, several turns."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.tokens import ContextOverflow

Model, Processor = CopeVideoForConditionalGeneration, CopeVideoProcessor
STEPS = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False}


@pytest.fixture(scope="module")
def prompts(processor: Processor, clip: Callable) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Three questions about videos of unequal length."""
    made = []
    for seed, (gops, question) in enumerate(
        [(1, "which way?"), (3, "did the green disc move first?"), (2, "describe the video")]
    ):
        items, *arrays = clip(20 + seed, gops=gops)
        made.append((processor.prompt(question, processor.expand(items)), *arrays))
    return made


def test_cached_equals_uncached(model: Model, processor: Processor, prompts: list) -> None:
    inputs = processor(*prompts[1])
    cached = model.generate(**inputs, **STEPS, output_logits=True, return_dict_in_generate=True)
    uncached = model.generate(**inputs, **STEPS, output_logits=True, return_dict_in_generate=True, use_cache=False)
    assert torch.equal(cached.sequences, uncached.sequences)
    torch.testing.assert_close(torch.stack(cached.logits), torch.stack(uncached.logits), atol=1e-5, rtol=0)
    again = model(input_ids=cached.sequences, **{k: v for k, v in inputs.items() if k not in ("input_ids", "attention_mask")})
    torch.testing.assert_close(torch.stack(cached.logits, dim=1), again.logits[:, -9:-1], atol=1e-5, rtol=0)


def test_a_batch_equals_one_by_one(model: Model, processor: Processor, prompts: list) -> None:
    texts, frames, motions, residuals = zip(*prompts, strict=True)
    batch = processor(list(texts), np.concatenate(frames), np.concatenate(motions), np.concatenate(residuals))
    together = model.generate(**batch, **STEPS, output_logits=True, return_dict_in_generate=True)
    for row, prompt in enumerate(prompts):
        alone = model.generate(**processor(*prompt), **STEPS, output_logits=True, return_dict_in_generate=True)
        assert together.sequences[row, -8:].tolist() == alone.sequences[0, -8:].tolist()
        torch.testing.assert_close(torch.stack(together.logits)[:, row], torch.stack(alone.logits)[:, 0], atol=1e-5, rtol=0)


def test_a_batch_may_mix_blind_and_seeing(model: Model, processor: Processor, prompts: list) -> None:
    blind = processor.prompt("which way?", "")
    text, *video = prompts[0]
    together = model.generate(**processor([blind, text], *video), **STEPS)
    assert together[0, -8:].tolist() == model.generate(**processor(blind), **STEPS)[0, -8:].tolist()
    assert together[1, -8:].tolist() == model.generate(**processor(text, *video), **STEPS)[0, -8:].tolist()


def test_the_cache_serves_the_next_turn(model: Model, processor: Processor, prompts: list) -> None:
    text, *video = prompts[2]
    first = model.generate(**processor(text, *video), **STEPS, return_dict_in_generate=True)
    turn = torch.tensor([processor.tokenizer("<|im_end|>" + processor.next_turn("fast?")).input_ids])
    dialogue = torch.cat([first.sequences, turn], dim=1)
    reused = model.generate(input_ids=dialogue, past_key_values=first.past_key_values, **STEPS)
    whole = dict(processor(text, *video)) | {"input_ids": dialogue, "attention_mask": torch.ones_like(dialogue)}
    assert torch.equal(reused, model.generate(**whole, **STEPS))


@pytest.mark.parametrize("encoded", [False, True])
def test_several_answers_per_prompt_repeat_each_rows_video(
    model: Model, processor: Processor, prompts: list, encoded: bool
) -> None:
    texts, frames, motions, residuals = zip(*prompts[1:], strict=True)
    batch = dict(processor(list(texts), np.concatenate(frames), np.concatenate(motions), np.concatenate(residuals)))
    if encoded:
        batch["image_features"] = model.vision_features(batch.pop("pixel_values")).detach()
        batch["delta_embeds"] = model.delta_embeddings(batch.pop("motion"), batch.pop("residual")).detach()
        batch["image_grids"] = torch.full((5,), 6)
    greedy = model.generate(**batch, **STEPS)
    steps = {**STEPS, "do_sample": True, "top_k": 1}
    answers = model.generate(**batch, **steps, num_return_sequences=3)
    assert torch.equal(answers, greedy.repeat_interleave(3, dim=0))
    beams = model.generate(**batch, **STEPS, num_beams=2)
    alone = model.generate(**processor(*prompts[1]), **STEPS, num_beams=2)
    assert torch.equal(beams[0, -8:], alone[0, -8:])


@pytest.mark.parametrize("token", ["<|image|>", "<|newline|>", "<|delta|>", "<|video|>"])
def test_no_answer_contains_a_placeholder(model: Model, processor: Processor, prompts: list, token: str) -> None:
    """A model that wants nothing else: its last hidden state always points at the placeholder."""
    wish = processor.tokenizer.convert_tokens_to_ids(token)
    before = model.generate(**processor(*prompts[0]), **STEPS)
    hook = model.language_model.lm_head.register_forward_hook(
        lambda module, inputs, output: output.index_fill(-1, torch.tensor([wish]), 99.0)
    )
    try:
        answer = model.generate(**processor(*prompts[0]), **STEPS)
    finally:
        hook.remove()
    assert torch.equal(answer, before) and wish not in answer[0, -8:].tolist()


def test_zeroed_tokens_stay_zeroed_while_generating(model: Model, processor: Processor, prompts: list) -> None:
    inputs = processor(*prompts[1])
    zeroed = model.generate(**inputs, **STEPS, delta_use="zero", output_logits=True, return_dict_in_generate=True)
    direct = model(
        **{**inputs, "input_ids": zeroed.sequences, "attention_mask": torch.ones_like(zeroed.sequences)}, delta_use="zero"
    ).logits
    torch.testing.assert_close(torch.stack(zeroed.logits, dim=1), direct[:, -9:-1], atol=1e-5, rtol=0)


def test_generation_stops_at_the_context(model: Model, processor: Processor, clip: Callable) -> None:
    items, frames, motion, residual = clip(30, gops=6)
    inputs = processor(processor.prompt("which way?", processor.expand(items)), frames, motion, residual)
    room = 512 - inputs["input_ids"].shape[1]
    assert 0 < room < 60
    assert model.generate(**inputs, max_new_tokens=room, min_new_tokens=room).shape[1] == 512
    with pytest.raises(ContextOverflow, match="exceeds the context of 512"):
        model.generate(**inputs, max_new_tokens=room + 5, min_new_tokens=room + 5)
