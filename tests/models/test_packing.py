"""Several questions behind one visual prefix, and the loss that only works for supervised positions."""

from collections.abc import Callable

import pytest
import torch

from framethrift.models.language import stops_early
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor

QUESTIONS = [
    ("which way does the red square move?", "left"),
    ("did the green disc move first?", "no"),
    ("fast?", "it moves slow"),
]


def _packed(processor: CopeVideoProcessor, stream: str) -> dict[str, torch.Tensor]:
    """One row: prefix, then every question with its answer; each sees the prefix and itself."""
    prefix = processor.prefix_ids(stream)
    ids, labels, positions, blocks = list(prefix), [-100] * len(prefix), list(range(len(prefix))), [0] * len(prefix)
    for block, (question, answer) in enumerate(QUESTIONS, start=1):
        asked, told = processor.question_ids(question), processor.answer_ids(answer)
        ids += asked + told
        labels += [-100] * len(asked) + told
        positions += range(len(prefix), len(prefix) + len(asked) + len(told))
        blocks += [block] * (len(asked) + len(told))
    block = torch.tensor(blocks)
    sees = ((block[:, None] == block[None]) | (block[None] == 0)) & torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    rows = {"input_ids": torch.tensor([ids]), "labels": torch.tensor([labels]), "position_ids": torch.tensor([positions])}
    return {**rows, "attention_mask": sees[None, None]}


@pytest.mark.parametrize("additive", [False, True])
@torch.no_grad()
def test_packed_logits_equal_one_by_one(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, clip: Callable, additive: bool
) -> None:
    items, frames, motion, residual = clip(7, gops=2)
    stream = processor.expand(items)
    packed = _packed(processor, stream)
    labels = packed.pop("labels")
    video = {
        "pixel_values": processor.pixels(frames),
        **dict(zip(("motion", "residual"), processor.primitives(motion, residual), strict=True)),
    }
    if additive:
        packed["attention_mask"] = torch.zeros(packed["attention_mask"].shape).masked_fill(
            ~packed["attention_mask"], float("-inf")
        )
    logits = model(**packed, **video).logits[0]
    start = len(processor.prefix_ids(stream))
    for question, answer in QUESTIONS:
        alone = processor.tokenizer(processor.prompt(question, stream) + answer + "<|im_end|>", return_tensors="pt")
        single = model(input_ids=alone["input_ids"], **video).logits[0, len(processor.prefix_ids(stream)) :]
        torch.testing.assert_close(logits[start : start + len(single)], single, atol=1e-5, rtol=0)
        start += len(single)
    assert start == logits.shape[0] == labels.shape[1]


@pytest.mark.parametrize(
    ("attention", "mask"), [("sdpa", "4d"), ("sdpa", "2d"), ("sdpa", "none"), ("eager", "2d"), ("eager", "none")]
)
def test_the_early_stop_changes_neither_loss_nor_gradients(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, clip: Callable, mask: str, attention: str
) -> None:
    items, frames, motion, residual = clip(8, gops=2)
    stream = processor.expand(items)
    video = {
        "pixel_values": processor.pixels(frames),
        **dict(zip(("motion", "residual"), processor.primitives(motion, residual), strict=True)),
    }
    if mask == "4d":
        inputs = _packed(processor, stream)
    else:
        rows = [
            processor.prefix_ids(stream) + processor.question_ids(q) + processor.answer_ids(a)
            for q, a in QUESTIONS[: 1 if mask == "none" else 3]
        ]
        inputs = dict(processor.pad(rows))
        answers = [len(processor.answer_ids(a)) for _, a in QUESTIONS]
        labels = torch.full_like(inputs["input_ids"], -100)
        for row, told in zip(range(len(rows)), answers, strict=False):
            labels[row, -told:] = inputs["input_ids"][row, -told:]
        inputs["labels"] = labels
        video = {name: torch.cat([tensor] * len(rows)) for name, tensor in video.items()}
        if mask == "none":
            inputs.pop("attention_mask")
    model.set_attn_implementation(attention)
    try:
        assert stops_early(model.language_model.model)
        results = []
        for early in (True, False):
            model.zero_grad()
            output = model(**inputs, **video, use_cache=None if early else True)
            output.loss.backward()
            results.append((output, {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}))
    finally:
        model.set_attn_implementation("sdpa")
        model.zero_grad()
    (first, first_grads), (second, second_grads) = results
    assert first.past_key_values is None and second.past_key_values is not None
    torch.testing.assert_close(first.logits, second.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(first.loss, second.loss, atol=1e-6, rtol=0)
    assert first_grads.keys() == second_grads.keys()
    for name, gradient in first_grads.items():
        torch.testing.assert_close(gradient, second_grads[name], atol=1e-5, rtol=1e-4, msg=name)


@torch.no_grad()
def test_the_loss_is_the_mean_over_answers(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, clip: Callable
) -> None:
    items, frames, motion, residual = clip(9)
    inputs = processor(processor.prompt("fast?", processor.expand(items)) + "yes<|im_end|>", frames, motion, residual)
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[0, -2:] = inputs["input_ids"][0, -2:]
    everything = model(**inputs).logits
    output = model(**inputs, labels=labels)
    torch.testing.assert_close(output.logits, everything[0, -3:-1], atol=1e-5, rtol=0)
    expected = -everything[0, -3:-1].log_softmax(-1).gather(1, labels[0, -2:, None]).mean()
    torch.testing.assert_close(output.loss, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(model(**inputs, logits_to_keep=1).logits, everything[:, -1:], atol=1e-5, rtol=0)


def test_labels_that_supervise_nothing_are_refused(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor
) -> None:
    inputs = processor(processor.prompt("fast?", ""))
    with pytest.raises(ValueError, match="supervise no position"):
        model(**inputs, labels=torch.full_like(inputs["input_ids"], -100))


def test_gradient_checkpointing_gives_the_same_gradients(
    model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, clip: Callable
) -> None:
    items, frames, motion, residual = clip(9)
    inputs = processor(processor.prompt("fast?", processor.expand(items)) + "yes<|im_end|>", frames, motion, residual)
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[0, -2:] = inputs["input_ids"][0, -2:]
    model.zero_grad()
    gradients = []
    for checkpointing in (False, True):
        if checkpointing:
            model.activation_checkpointing_enable()
        model.language_model.train()
        model(**inputs, labels=labels).loss.backward()
        gradients.append(model.language_model.model.layers[0].mlp.up_proj.weight.grad.clone())
        model.zero_grad()
    model.activation_checkpointing_disable()
    model.eval()
    torch.testing.assert_close(*gradients)
