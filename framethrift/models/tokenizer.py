"""The tokenizers: a small byte-level BPE trained on a study's texts, or a published one with the stream's tokens added."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VIDEO, IMAGE, NEWLINE, DELTA = "<|video|>", "<|image|>", "<|newline|>", "<|delta|>"
SPECIAL_TOKENS = (PAD, START, END, VIDEO, IMAGE, NEWLINE, DELTA)
STREAM_TOKENS = (VIDEO, IMAGE, NEWLINE, DELTA)

SYSTEM = "You are a helpful assistant."

# ChatML as Qwen2 has it, with the default system message in front of a conversation that brings none.
CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\n" + SYSTEM + "<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def build_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of at most `vocabulary` tokens on `texts`, special tokens first; same texts, same tokenizer.

    Merging goes on until the vocabulary is full or every word of the texts, and of the chat around them, is one token.

    Raises ValueError when the vocabulary cannot hold the 256 bytes and the special tokens.
    """
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    smallest = len(alphabet) + len(SPECIAL_TOKENS)
    if vocabulary < smallest:
        raise ValueError(f"vocabulary {vocabulary} is below the {smallest} tokens of all bytes and the special tokens")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=alphabet,
        min_frequency=1,
        show_progress=False,
    )
    chat = (f"system\n{SYSTEM}", "user\n", "assistant\n")
    tokenizer.train_from_iterator((part for text in texts for part in (text, *chat)), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START, *STREAM_TOKENS],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """Load a ChatML tokenizer from a folder or hub name and add the stream's tokens where it lacks them (Qwen2 does).

    Raises ValueError when `source` has no ChatML tokens.
    """
    tokenizer = AutoTokenizer.from_pretrained(source)
    known = tokenizer.get_vocab()
    missing = [token for token in (START, END) if token not in known]
    if missing:
        raise ValueError(f"tokenizer {source}: no {' and '.join(missing)} token; a ChatML tokenizer such as Qwen2's is needed")
    tokenizer.add_special_tokens({"additional_special_tokens": [START, *STREAM_TOKENS]})
    tokenizer.pad_token = tokenizer.pad_token or PAD
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.padding_side = "left"
    return tokenizer
