"""Packed greedy decoding against transformers' own `generate`, one question at a time."""

import pytest
import torch

from framethrift.evaluation.decoding import Conversation, decode
from framethrift.evaluation.loading import load_model
from framethrift.tokens import StreamItem

KEY, FUSED = StreamItem("I", 0, 0, 0.0), StreamItem("P", 0, 1, 0.2)
QUESTIONS = ["which way did the red object move ?", "how fast ?", "where is the green cross , and did it move first ?"]


@pytest.fixture(scope="module")
def parts(tiny):  # type: ignore[no-untyped-def]
    _, layout = tiny
    return load_model(layout.model("cope", 0), "cpu")


def _conversation(parts, items, questions, seed):  # type: ignore[no-untyped-def]
    processor = parts[1]
    generator = torch.Generator().manual_seed(seed)
    images = sum(item.kind == "I" for item in items)
    features = torch.randn((images, 16, 32), generator=generator) if images else None
    deltas = torch.randn((len(items) - images, 4, 32), generator=generator) if len(items) > images else None
    ids = [processor.question_ids(question) for question in questions]
    return Conversation(processor.prefix_ids(processor.expand(items)), ids, features, [processor.grid] * images, deltas)


def _generate(parts, conversation, question, length):  # type: ignore[no-untyped-def]
    """The same question alone, through `generate`; placeholders are suppressed by never occurring in the seeds used."""
    model, processor = parts
    ids = torch.tensor([[*conversation.prefix, *question]])
    inputs = {"image_features": conversation.image_features, "delta_embeds": conversation.delta_embeds}
    given = {name: value for name, value in inputs.items() if value is not None}
    stop = processor.tokenizer.eos_token_id
    with torch.inference_mode():
        out = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=length, eos_token_id=stop,
            pad_token_id=processor.tokenizer.pad_token_id, **given,
        )  # fmt: skip
    written = out[0, ids.shape[1] :].tolist()
    return written[: written.index(stop)] if stop in written else written


def test_packed_answers_equal_one_generation_per_question(parts) -> None:  # type: ignore[no-untyped-def]
    conversations = [
        _conversation(parts, [KEY, FUSED, FUSED], QUESTIONS, 0),
        _conversation(parts, [KEY, FUSED, KEY, FUSED, FUSED], QUESTIONS[:1], 1),
        _conversation(parts, [KEY], QUESTIONS[1:], 2),
        _conversation(parts, [], QUESTIONS, 3),
    ]
    model, processor = parts
    packed = decode(model, processor.tokenizer, conversations, 6)
    assert [len(answers) for answers in packed] == [3, 1, 2, 3]
    for conversation, answers in zip(conversations, packed, strict=True):
        for question, answer in zip(conversation.questions, answers, strict=True):
            assert answer == _generate(parts, conversation, question, 6)


def test_the_end_token_ends_an_answer_and_only_that_answer(parts) -> None:  # type: ignore[no-untyped-def]
    model, processor = parts
    conversation = _conversation(parts, [KEY, FUSED], QUESTIONS, 4)
    free = decode(model, processor.tokenizer, [conversation], 5)[0]

    class Stopping:
        pad_token_id, eos_token_id = processor.tokenizer.pad_token_id, free[1][2]

    stopped = decode(model, Stopping(), [conversation], 5)[0]  # type: ignore[arg-type]
    assert stopped[1] == free[1][: free[1].index(free[1][2])]
    for answer, whole in zip(stopped, free, strict=True):
        end = whole.index(free[1][2]) if free[1][2] in whole else 5
        assert answer == whole[:end]


def test_a_batch_does_not_change_an_answer(parts) -> None:  # type: ignore[no-untyped-def]
    model, processor = parts
    many = [_conversation(parts, [KEY, FUSED][: 1 + n % 2], QUESTIONS[: 1 + n % 3], n) for n in range(9)]
    together = decode(model, processor.tokenizer, many, 4)
    assert together == [decode(model, processor.tokenizer, [one], 4)[0] for one in many]


def test_a_stream_with_too_few_embeddings_is_refused(parts) -> None:  # type: ignore[no-untyped-def]
    model, processor = parts
    whole = _conversation(parts, [KEY, FUSED], QUESTIONS, 0)
    bare = Conversation(whole.prefix, whole.questions, whole.image_features, whole.image_grids, None)
    with pytest.raises(ValueError, match=r"4 <\|delta\|> placeholders, but 0"):
        decode(model, processor.tokenizer, [bare], 1)
