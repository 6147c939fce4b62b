"""Completions with log-probabilities: against one forward pass per prompt, and against themselves with gradients."""

import pytest
import torch

from framethrift.models import completions
from framethrift.models.completions import Completions, Prompt, Writing, complete, completion_log_probability
from framethrift.models.tokenizer import END, IMAGE, PAD


@pytest.fixture
def ends(tokenizer) -> dict[str, int]:
    return {"pad_id": tokenizer.convert_tokens_to_ids(PAD), "end_id": tokenizer.convert_tokens_to_ids(END)}


@pytest.fixture
def prompts(model, processor) -> list[Prompt]:
    """Three prompts of different lengths with 2, 1 and no images."""
    generator = torch.Generator().manual_seed(0)
    width, made = model.config.text_config.hidden_size, []
    for images, text in ((2, "which way does the red square move?"), (1, "yes"), (0, "describe the video")):
        stream = "".join((IMAGE * 2 + "<|newline|>") * 2 for _ in range(images))
        ids = processor.prefix_ids(stream) + processor.question_ids(text)
        made.append(Prompt(tuple(ids), torch.randn((images, 4, width), generator=generator)))
    return made


def alone(model, prompt: Prompt, tokens: list[int], temperature: float) -> torch.Tensor:
    """Log-probabilities of `tokens` behind one prompt, token by token without any cache."""
    scores = []
    for count in range(len(tokens)):
        ids = torch.tensor([[*prompt.ids, *tokens[:count]]])
        inside = torch.arange(ids.shape[1])[None] < len(prompt.ids)
        logits = model(inputs_embeds=model.embed(ids, image_embeds=prompt.images, prompt=inside)).logits[0, -1]
        scores.append((logits / temperature).log_softmax(dim=-1)[tokens[count]])
    return torch.stack(scores)


def test_greedy_completions_equal_one_run_per_prompt(model, prompts, ends):
    together = complete(model, prompts, Writing(6, **ends))
    for row, prompt in enumerate(prompts):
        own = complete(model, [prompt], Writing(6, **ends))
        kept = own.mask[0]
        assert together.tokens[row][together.mask[row]].tolist() == own.tokens[0][kept].tolist()
        tokens = own.ids()[0]
        with torch.no_grad():
            expected = alone(model, prompt, tokens, 1.0)
        torch.testing.assert_close(together.log_probability[row][together.mask[row]], expected, atol=1e-4, rtol=1e-4)


def test_samples_behind_a_shared_prefill_have_their_own_probability(model, prompts, ends):
    drawn = complete(model, prompts, Writing(5, samples=3, temperature=1.3, generator=torch.Generator().manual_seed(1), **ends))
    assert drawn.tokens.shape[0] == 9
    assert len({tuple(row) for row in drawn.ids()}) > 3
    for row, tokens in enumerate(drawn.ids()):
        with torch.no_grad():
            expected = alone(model, prompts[row // 3], tokens, 1.3)
        torch.testing.assert_close(drawn.log_probability[row][drawn.mask[row]], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("samples", [1, 4])
def test_packed_log_probabilities_equal_those_of_the_rollout(model, prompts, ends, samples):
    generator = torch.Generator().manual_seed(2)
    drawn = complete(model, prompts, Writing(5, samples=samples, temperature=1.0, generator=generator, **ends))
    again = completion_log_probability(model, prompts, drawn, 1.0, ends["pad_id"])
    assert again.requires_grad
    torch.testing.assert_close(again.detach(), drawn.log_probability, atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_one_pass_per_row(model, prompts, ends):
    drawn = complete(model, prompts, Writing(4, samples=2, temperature=1.0, generator=torch.Generator().manual_seed(3), **ends))
    weight = model.language_model.lm_head.weight
    packed = torch.autograd.grad(completion_log_probability(model, prompts, drawn, 1.0, ends["pad_id"]).sum(), weight)[0]
    single = sum(
        torch.autograd.grad(alone(model, prompts[row // 2], ids, 1.0).sum(), weight)[0] for row, ids in enumerate(drawn.ids())
    )
    torch.testing.assert_close(packed, single, atol=1e-3, rtol=1e-3)


def test_a_written_image_token_is_just_a_token(model, prompts, ends, tokenizer):
    image = tokenizer.convert_tokens_to_ids(IMAGE)
    tokens = torch.tensor([[image, ends["end_id"]]] * 3)
    written = Completions(tokens, torch.ones(3, 2, dtype=torch.bool), torch.zeros(3, 2))
    scores = completion_log_probability(model, prompts, written, 1.0, ends["pad_id"])
    with torch.no_grad():
        expected = torch.stack([alone(model, prompt, [image, ends["end_id"]], 1.0) for prompt in prompts])
    torch.testing.assert_close(scores.detach(), expected, atol=1e-4, rtol=1e-4)


def test_rows_end_with_the_end_token(model, prompts, ends):
    first = complete(model, prompts[:1], Writing(1, **ends)).tokens[0, 0].item()
    stopped = complete(model, prompts[:1], Writing(6, pad_id=ends["pad_id"], end_id=first))
    assert stopped.tokens.tolist() == [[first]] and stopped.mask.tolist() == [[True]]
    assert stopped.ids(without=first) == [[]]


def test_the_same_seed_draws_the_same_whatever_is_computed_at_once(model, prompts, ends, monkeypatch):
    def draw() -> list[list[int]]:
        return complete(
            model, prompts, Writing(4, samples=2, temperature=1.0, generator=torch.Generator().manual_seed(5), **ends)
        ).ids()

    assert draw() == draw()
    monkeypatch.setattr(completions, "TOKENS_AT_ONCE", 1)
    greedy = complete(model, prompts, Writing(4, **ends))
    monkeypatch.undo()
    assert greedy.ids() == complete(model, prompts, Writing(4, **ends)).ids()


def test_wrong_calls_are_named(model, prompts, ends):
    with pytest.raises(ValueError, match="no prompt"):
        complete(model, [], Writing(4, **ends))
    with pytest.raises(ValueError, match="give a generator"):
        complete(model, prompts, Writing(4, temperature=1.0, **ends))
    with pytest.raises(ValueError, match=r"8 <\|image\|> placeholders, but 4"):
        complete(model, [Prompt(prompts[0].ids, prompts[0].images[:1])], Writing(4, **ends))
