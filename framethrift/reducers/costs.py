"""What a reduced prompt costs a Qwen2 language model: multiply-adds and bytes, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LanguageShape:
    """The sizes that decide cost: width d, feed-forward width c, heads, key-value heads, head width, layers."""

    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_width: int
    layers: int

    @classmethod
    def of(cls, config: Any) -> "LanguageShape":
        """Of a transformers Qwen2Config."""
        heads = config.num_attention_heads
        head_width = getattr(config, "head_dim", None) or config.hidden_size // heads
        layers = config.num_hidden_layers
        return cls(config.hidden_size, config.intermediate_size, heads, config.num_key_value_heads, head_width, layers)


def published_flops(tokens: Sequence[int], shape: LanguageShape) -> float:
    """FLOPs of reading `tokens` tokens in each layer as FastV and LLaVA-Scissor count them: Σ 4 k d² + 2 k² d + 2 k d c.

    A multiply-add is one, all heads have their own keys, and the feed-forward part has two matrices: right for comparing shares
    with the papers', too small for Qwen2.
    """
    d, c = shape.width, shape.feed_forward
    return float(sum(4 * k * d * d + 2 * k * k * d + 2 * k * d * c for k in tokens))


def prefill_flops(tokens: Sequence[int], shape: LanguageShape) -> float:
    """FLOPs of reading `tokens` tokens in each layer, without the output layer; a multiply-add is two, attention is not halved.

    Grouped keys and values, and the three matrices of a gated feed-forward part: what torch's FLOP counter counts.
    """
    own, grouped = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    per_token = 4 * shape.width * (own + grouped) + 6 * shape.width * shape.feed_forward
    return float(sum(k * per_token + 4 * k * k * own for k in tokens))


def cache_bytes(tokens: Sequence[int], shape: LanguageShape, bytes_per_number: int) -> int:
    """Bytes of the keys and values of `tokens` tokens in each layer."""
    return sum(2 * k * shape.kv_heads * shape.head_width * bytes_per_number for k in tokens)


def prompt_costs(read: Sequence[int], kept: Sequence[int], shape: LanguageShape, bytes_per_number: int) -> dict[str, float]:
    """What a prompt costs of which each layer reads `read` tokens and keeps the keys and values of `kept`.

    prefill_flops as torch counts, published_flops as the reducers' papers do, cache_bytes after the prompt.
    """
    return {
        "prefill_flops": prefill_flops(read, shape),
        "published_flops": published_flops(read, shape),
        "cache_bytes": cache_bytes(kept, shape, bytes_per_number),
    }
