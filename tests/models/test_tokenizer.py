"""The study's tokenizer and the chat format."""

import pytest

from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import SPECIAL_TOKENS, build_tokenizer

TEXTS = ["which way does the red square move?", "the green disc moved left, then right", "übrigens: 3.5 px"]


def test_every_word_is_one_token_when_the_vocabulary_allows() -> None:
    tokenizer = build_tokenizer(TEXTS, 1000)
    for text in TEXTS:
        for word in text.replace("?", "").replace(",", "").replace(":", "").split():
            if word.isalpha() and not text.startswith(word):
                assert len(tokenizer(" " + word).input_ids) == 1, word
    assert len(tokenizer("system\nYou are a helpful assistant.").input_ids) == 8


def test_any_text_survives() -> None:
    tokenizer = build_tokenizer(TEXTS, 300)
    for text in [*TEXTS, "日本 and 🙂\n\ttabs", "  two  spaces "]:
        assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_special_tokens_are_single_and_have_their_roles() -> None:
    tokenizer = build_tokenizer(TEXTS, 300)
    assert [tokenizer(token).input_ids for token in SPECIAL_TOKENS] == [[index] for index in range(len(SPECIAL_TOKENS))]
    assert (tokenizer.pad_token, tokenizer.eos_token, tokenizer.padding_side) == ("<|endoftext|>", "<|im_end|>", "left")


def test_the_same_texts_give_the_same_tokenizer() -> None:
    first, second = (build_tokenizer(iter(TEXTS), 400).backend_tokenizer.to_str() for _ in range(2))
    assert first == second


def test_a_vocabulary_below_the_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="vocabulary 200 is below the 263 tokens"):
        build_tokenizer(TEXTS, 200)


@pytest.mark.parametrize("question", ["which way does the red square move?", "A?\nA. left\nB. right", "\n odd  spacing ", "?"])
@pytest.mark.parametrize("video", [True, False])
def test_prefix_and_question_make_the_prompt(processor: CopeVideoProcessor, clip: object, question: str, video: bool) -> None:
    stream = processor.expand(clip(0)[0]) if video else ""  # type: ignore[operator]
    prompt = processor.prompt(question, stream)
    ids = processor.tokenizer(prompt, add_special_tokens=False).input_ids
    assert processor.prefix_ids(stream) + processor.question_ids(question) == ids
    content = f"<|video|>\n{question}" if video else question
    chat = processor.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    assert chat.replace("<|video|>", stream) == prompt


def test_turns_make_the_chat_template_too(processor: CopeVideoProcessor) -> None:
    messages = [
        {"role": "system", "content": "Answer briefly."},
        {"role": "user", "content": "which way?"},
        {"role": "assistant", "content": "left"},
        {"role": "user", "content": "how fast?"},
    ]
    chat = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    by_hand = processor.prompt("which way?", "", system="Answer briefly.") + "left<|im_end|>" + processor.next_turn("how fast?")
    assert chat == by_hand
    assert processor.answer_ids("left") == processor.tokenizer("left<|im_end|>").input_ids
