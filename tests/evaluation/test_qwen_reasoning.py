"""Qwen2.5-VL as the MLLM of MSJoE, on a tiny random config of transformers' class."""

import numpy as np
import pytest
import torch

from framethrift.evaluation.backbones.protocol import Seen
from framethrift.evaluation.backbones.qwen2_5_vl import Qwen2_5_VL
from framethrift.evaluation.backbones.qwen2_5_vl_reasoning import QwenReasoner
from framethrift.models.completions import Completions, completion_log_probability
from framethrift.models.reasoning import query_prompt
from tests.evaluation.tiny_baselines import qwen2_5_vl

QUESTIONS = ["which option is right ?", "a red square moves ?"]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Qwen2_5_VL:
    torch.set_num_threads(1)
    return Qwen2_5_VL(qwen2_5_vl(tmp_path_factory.mktemp("qwen")), torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def seen(backbone: Qwen2_5_VL) -> list[Seen]:
    """Two videos of different length, so that rows are padded and positions differ."""
    rng = np.random.default_rng(0)
    shapes = ((4, 56, 56, 3), (6, 56, 84, 3))
    found = [backbone.see(rng.integers(0, 255, shape, dtype=np.uint8), [2.0 * n for n in range(shape[0])]) for shape in shapes]
    return [Seen(one.tokens.clone(), one.steps, one.per_step, one.layout) for one in found]


def test_greedy_texts_are_those_of_generate(backbone: Qwen2_5_VL, seen: list[Seen]) -> None:
    reasoner = QwenReasoner(backbone)
    written = reasoner.answer(QUESTIONS, seen)
    alone = [backbone.answer(question, one, 4) for question, one in zip(QUESTIONS, seen, strict=True)]
    tokenizer = backbone.processor.tokenizer
    assert [tokenizer.decode(row, skip_special_tokens=True) for row in written.completions.ids()] == alone
    assert len(set(alone)) == 2 and all(alone)
    packed = completion_log_probability(reasoner.model, written.prompts, written.completions, 1.0, reasoner.pad_id)
    torch.testing.assert_close(packed, written.completions.log_probability, atol=2e-4, rtol=1e-3)


def test_queries_are_asked_for_in_the_instructing_words(backbone: Qwen2_5_VL, seen: list[Seen]) -> None:
    prompt = QwenReasoner(backbone).query_prompts(QUESTIONS[:1], seen[:1])[0]
    text = backbone.processor.tokenizer.decode(prompt.ids)
    assert query_prompt(QUESTIONS[0], "instruct") in text
    assert prompt.ids.count(backbone.model.config.video_token_id) == len(seen[0].tokens) == len(prompt.images)
    blind = QwenReasoner(backbone).query_prompts(QUESTIONS[:1], [None])[0]
    assert backbone.model.config.video_token_id not in blind.ids and len(blind.images) == 0


def test_samples_share_one_prefill_and_their_scores_are_those_of_whole_passes(backbone: Qwen2_5_VL, seen: list[Seen]) -> None:
    reasoner = QwenReasoner(backbone)
    language, passes = backbone.model.model.language_model, []
    handle = language.register_forward_pre_hook(
        lambda module, args, kwargs: passes.append(tuple(kwargs["inputs_embeds"].shape[:2])), with_kwargs=True
    )
    written = reasoner.write_queries(QUESTIONS, seen, 3, 1.0, torch.Generator().manual_seed(0))
    handle.remove()
    longest = max(len(prompt.ids) for prompt in written.prompts)
    assert passes[0] == (2, longest) and set(passes[1:]) == {(6, 1)}, "the prompts are read once, not once per sample"
    completions, pad = written.completions, reasoner.pad_id
    packed = completion_log_probability(reasoner.model, written.prompts, completions, 1.0, pad)
    torch.testing.assert_close(packed, completions.log_probability, atol=2e-4, rtol=1e-3)
    # One sample alone behind its own prompt, through the class's own forward pass.
    row = completions.ids()[4]
    prompt = written.prompts[1]
    ids = torch.tensor([[*prompt.ids, *row]])
    own = backbone.model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        **backbone._looked(seen[1], ids),
    ).logits[0, len(prompt.ids) - 1 : -1]
    expected = own.log_softmax(dim=-1).gather(1, torch.tensor(row)[:, None])[:, 0]
    torch.testing.assert_close(packed[4][completions.mask[4]], expected, atol=2e-4, rtol=1e-3)


def test_gradients_reach_the_language_model_and_nothing_else(backbone: Qwen2_5_VL, seen: list[Seen]) -> None:
    reasoner = QwenReasoner(backbone)
    written = reasoner.answer(QUESTIONS, seen)
    reasoner.model.language_model.requires_grad_(True)
    try:
        own = Completions(written.completions.tokens, written.completions.mask, written.completions.log_probability)
        completion_log_probability(reasoner.model, written.prompts, own, 1.0, reasoner.pad_id).sum().backward()
        gradients = {name: weights.grad for name, weights in backbone.model.named_parameters()}
        assert all(gradients[name] is None for name in gradients if ".visual." in name)
        reached = [name for name in gradients if ".visual." not in name]
        assert reached and all(gradients[name] is not None for name in reached)
    finally:
        backbone.model.requires_grad_(False)
        backbone.model.zero_grad(set_to_none=True)


def test_placeholders_without_embeddings_are_refused(backbone: Qwen2_5_VL, seen: list[Seen]) -> None:
    reasoner = QwenReasoner(backbone)
    prompt = reasoner.answer_prompts(QUESTIONS[:1], seen[:1])[0]
    with pytest.raises(ValueError, match=r"places for 0 visual tokens"):
        reasoner.model.embed(torch.tensor([prompt.ids]), image_embeds=prompt.images[:0])


def test_text_goes_on_after_the_last_time_step_of_a_video(backbone: Qwen2_5_VL) -> None:
    """As the class was trained: 10 frames, 4 s apart, are 5 steps of 8 s; at 4 positions per second the last is at 128."""
    seen = backbone.see(np.random.default_rng(0).integers(0, 255, (10, 56, 56, 3), np.uint8), [4.0 * step for step in range(10)])
    ids, positions = backbone.read("which ?", seen)
    places = (ids == backbone.model.config.video_token_id).nonzero()[:, 0].tolist()
    first = int(positions[0, places[0]])
    assert positions[0, places].unique().tolist() == [first + 32 * step for step in range(5)]
    behind = positions[:, places[-1] + 1 :]
    assert torch.equal(behind, (first + 129 + torch.arange(behind.shape[1])).expand(3, -1))
    _, ahead = backbone.model.model.get_rope_index(ids[None], backbone._kinds(ids[None]), **seen.layout)
    assert len(ids) + int(ahead) == int(behind[0, -1]) + 1, "where decoding goes on"
