"""Formula costs against torch's FLOP counter, a real cache and the published shares."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import Qwen2Config, Qwen2Model
from transformers.cache_utils import DynamicCache

from framethrift.reducers.costs import LanguageShape, cache_bytes, prefill_flops, published_flops
from framethrift.reducers.layer_cache import resident_bytes

QWEN_7B = LanguageShape(width=3584, feed_forward=18944, heads=28, kv_heads=4, head_width=128, layers=28)


def test_costs_are_what_a_model_does_and_holds() -> None:
    config = Qwen2Config(
        vocab_size=50,
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=3,
        num_attention_heads=6,
        num_key_value_heads=2,
        attn_implementation="eager",
    )
    model, cache = Qwen2Model(config).eval(), DynamicCache()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(inputs_embeds=torch.randn(1, 37, 48), past_key_values=cache, use_cache=True)
    shape = LanguageShape.of(config)
    # The counter also sees the product that makes the rotations: head width / 2 multiply-adds per token.
    assert prefill_flops([37] * 3, shape) == pytest.approx(counter.get_total_flops(), rel=1e-3)
    assert cache_bytes([37] * 3, shape, 4) == resident_bytes(cache)


def test_published_shares_of_the_papers_formula() -> None:
    """LLaVA-Scissor states 51.7 % for FastV from layer 3 on at half of 6,272 tokens, and 44.9 % for itself."""
    full = published_flops([6272] * 28, QWEN_7B)
    fastv = published_flops([6272] * 3 + [3136] * 25, QWEN_7B) / full
    scissor = published_flops([3136] * 28, QWEN_7B) / full
    assert scissor == pytest.approx(0.449, abs=0.005)
    assert fastv == pytest.approx(0.517, abs=0.015)
