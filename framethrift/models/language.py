"""Qwen2, run no further than a loss needs it.

On a CPU the miniature spends most of a training step in the language model. Two savings change no result: the fused RMS norm of
torch in place of transformers' six element-wise passes, and a last layer that only works for the positions whose logits are
wanted (a few answer tokens behind hundreds of visual ones), which still attend to all others.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Qwen2ForCausalLM, Qwen2Model
from transformers.masking_utils import create_causal_mask
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.qwen2.modeling_qwen2 import (
    Qwen2DecoderLayer,
    Qwen2RMSNorm,
    eager_attention_forward,
    rotate_half,
)

MASKED_ATTENTION = ("sdpa", "eager")


def fuse_norms(language_model: Qwen2ForCausalLM) -> Qwen2ForCausalLM:
    """Replace every Qwen2RMSNorm by torch's fused RMSNorm, in place; the weights keep their names."""
    for module in list(language_model.modules()):
        for name, child in module.named_children():
            if isinstance(child, Qwen2RMSNorm):
                setattr(module, name, nn.RMSNorm(child.weight.shape, eps=child.variance_epsilon))
    return language_model


def stops_early(model: Qwen2Model) -> bool:
    """Whether `wanted_states` can run the model: it takes ordinary masks, and no wrapper (such as FSDP's) owns the last layer."""
    return model.config._attn_implementation in MASKED_ATTENTION and type(model.layers[-1]) is Qwen2DecoderLayer


def wanted_states(
    model: Qwen2Model, inputs_embeds: Tensor, attention_mask: Tensor | None, position_ids: Tensor | None, wanted: Tensor
) -> Tensor:
    """Final hidden states (number wanted, d) in reading order, of the positions where `wanted` (B, L) is true.

    Equals `model(...).last_hidden_state[wanted]`; arguments as there, attention_mask 2D or 4D.
    """
    length = inputs_embeds.shape[1]
    if position_ids is None:
        position_ids = torch.arange(length, device=inputs_embeds.device)[None]
    mask: Any = create_causal_mask(
        config=model.config,
        inputs_embeds=inputs_embeds,
        attention_mask=attention_mask,
        past_key_values=None,
        position_ids=position_ids,
    )
    cosine, sine = model.rotary_emb(inputs_embeds, position_ids)
    hidden = inputs_embeds
    for layer in model.layers[:-1]:
        hidden = layer(hidden, attention_mask=mask, position_embeddings=(cosine, sine), position_ids=position_ids)

    counts = wanted.sum(dim=1)
    rows = wanted.int().argsort(dim=1, descending=True, stable=True)[:, : int(counts.max())]
    if mask is None:  # plain causal attention
        mask = (torch.arange(length, device=rows.device) <= rows[:, :, None])[:, None]
    else:
        mask = _rows_of(mask.expand(len(rows), -1, -1, -1), rows[:, None])
    rotation = (cosine.expand(len(rows), -1, -1), sine.expand(len(rows), -1, -1))
    hidden = _last_layer(model.layers[-1], hidden, mask, rotation, rows)
    present = torch.arange(rows.shape[1], device=rows.device) < counts[:, None]
    return model.norm(hidden[present])


def _last_layer(layer: Any, hidden: Tensor, mask: Tensor, rotation: tuple[Tensor, Tensor], rows: Tensor) -> Tensor:
    attention = layer.self_attn
    normed = layer.input_layernorm(hidden)
    heads = (len(rows), -1, attention.config.num_key_value_heads, attention.head_dim)
    asking = attention.q_proj(_rows_of(normed, rows)).view(len(rows), rows.shape[1], -1, attention.head_dim).transpose(1, 2)
    key = attention.k_proj(normed).view(heads).transpose(1, 2)
    value = attention.v_proj(normed).view(heads).transpose(1, 2)
    asking = _rotated(asking, *(_rows_of(part, rows) for part in rotation))
    key = _rotated(key, *rotation)
    attend = ALL_ATTENTION_FUNCTIONS.get_interface(attention.config._attn_implementation, eager_attention_forward)
    attended, _ = attend(attention, asking, key, value, mask, dropout=0.0, scaling=attention.scaling)
    states = _rows_of(hidden, rows) + attention.o_proj(attended.reshape(*rows.shape, -1))
    return states + layer.mlp(layer.post_attention_layernorm(states))


def _rotated(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    return states * cosine[:, None] + rotate_half(states) * sine[:, None]


def _rows_of(tensor: Tensor, rows: Tensor) -> Tensor:
    """Rows `rows` (..., n) of the second-to-last axis of `tensor` (..., L, d)."""
    return tensor.gather(-2, rows[..., None].expand(*tensor.shape[:-2], rows.shape[-1], tensor.shape[-1]))
