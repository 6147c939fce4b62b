"""What methods read of a Qwen2 layer's attention, computed beside it: the model itself keeps its fast attention.

Running the whole model with attention weights exposed is slow, and in half precision known to give garbage; only the last row of
one layer is needed, and it is computed in float32.
"""

from typing import Any

import torch
from torch import Tensor
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb, repeat_kv


def last_attention(layer: Any, hidden: Tensor, given: dict[str, Any]) -> Tensor:
    """(B, K) float32 attention of the last of the tokens `hidden` (B, n, d) to all cached and new ones, averaged over heads."""
    attention = layer.self_attn
    normed = layer.input_layernorm(hidden)
    cosine, sine = given["position_embeddings"]
    shape = (*normed.shape[:2], -1, attention.head_dim)
    key = attention.k_proj(normed).view(shape).transpose(1, 2)
    query = attention.q_proj(normed[:, -1:]).view(len(hidden), 1, -1, attention.head_dim).transpose(1, 2)
    _, key = apply_rotary_pos_emb(key, key, cosine, sine)
    query, _ = apply_rotary_pos_emb(query, query, cosine[:, -1:], sine[:, -1:])
    cache, mask = given.get("past_key_values"), given.get("attention_mask")
    if cache is not None and cache.get_seq_length(attention.layer_idx):
        key = torch.cat([cache.layers[attention.layer_idx].keys, key], dim=2)
    scores = query.float() @ repeat_kv(key, attention.num_key_value_groups).float().transpose(2, 3) * attention.scaling
    if mask is not None and mask.shape[-1] == scores.shape[-1]:
        row = mask[:, :, -1:]
        scores = scores.masked_fill(~row, -torch.inf) if row.dtype == torch.bool else scores + row
    return scores.softmax(dim=-1).mean(dim=1)[:, 0]


def key_norms(layer: Any, hidden: Tensor) -> Tensor:
    """(B, n) float32 lengths of the tokens' keys, all key-value heads as one vector."""
    keys = layer.self_attn.k_proj(layer.input_layernorm(hidden))
    return torch.linalg.vector_norm(keys.float(), dim=-1)


def causal_mask(hidden: Tensor, total: int) -> Tensor:
    """(1, 1, n, total) bool: what the n last of `total` tokens may look at."""
    rows = hidden.shape[1]
    return torch.ones((rows, total), dtype=torch.bool, device=hidden.device).tril(total - rows)[None, None]
