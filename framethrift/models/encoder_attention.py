"""What image tokens were paid attention, and their keys, at the encoder layer whose output the projector reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@contextmanager
def observed_encoder(model: Any) -> Iterator[None]:
    """While open, `model.vision_features` gives (n, patches, d_v + 1 + d_v): tokens, attention received, keys.

    They travel behind the features through whatever keeps and picks frames; the projector leaves them out. `split_features` takes
    them apart.
    """
    tower, width = model.vision_tower, model.config.vision_config.hidden_size
    attention = tower.encoder.layers[-1].self_attn
    seen: list[Tensor] = []

    def remember(module: Any, args: Any, given: Any) -> None:
        seen.append(given["hidden_states"] if "hidden_states" in given else args[0])

    def extend(module: Any, args: Any, output: Any) -> Any:
        received, keys = _received(attention, seen.pop())
        output.last_hidden_state = torch.cat([output.last_hidden_state, received[..., None], keys], dim=-1)
        return output

    handles = [
        attention.register_forward_pre_hook(remember, with_kwargs=True),
        tower.register_forward_hook(extend),
        model.projector.register_forward_pre_hook(lambda module, args: (args[0][..., :width],)),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def watched_layer(layer: Any) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """While open, every pass through an encoder layer adds its attention received (n, L) and keys (n, L, d) to the list."""
    seen: list[tuple[Tensor, Tensor]] = []

    def remember(module: Any, args: Any, given: Any) -> None:
        seen.append(_received(module, given["hidden_states"] if "hidden_states" in given else args[0]))

    handle = layer.self_attn.register_forward_pre_hook(remember, with_kwargs=True)
    try:
        yield seen
    finally:
        handle.remove()


def split_features(features: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features (n, patches, d_v), attention received (n, patches) and keys (n, patches, d_v) of observed features."""
    return features[..., :width], features[..., width], features[..., width + 1 :]


def pooled_to(values: Tensor, side: int, grid: int) -> Tensor:
    """Per-patch values (n, side · side, k) on the grid of the pooled tokens (n, grid · grid, k), pooled as the tokens are."""
    if grid == side:
        return values
    planes = values.transpose(1, 2).unflatten(2, (side, side))
    return functional.interpolate(planes, size=(grid, grid), mode="bilinear").flatten(2).transpose(1, 2)


def _received(attention: Any, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """(n, L) attention that each token receives, averaged over heads and asking tokens, and (n, L, d) its key."""
    keys = attention.k_proj(hidden)
    shape = (*hidden.shape[:2], attention.num_heads, attention.head_dim)
    query, key = attention.q_proj(hidden).view(shape).transpose(1, 2), keys.view(shape).transpose(1, 2)
    received = torch.stack(
        [
            (one.float() @ other.float().transpose(1, 2) * attention.scale).softmax(dim=-1).mean(dim=(0, 1))
            for one, other in zip(query, key, strict=True)
        ]
    )
    return received.to(hidden.dtype), keys
