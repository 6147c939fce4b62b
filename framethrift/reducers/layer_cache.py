"""A cache layer that holds fewer tokens than it has seen."""

from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer


class ShortenedLayer(DynamicLayer):
    """As DynamicLayer, but some of the prompt's keys and values are gone; lengths still count them, as positions do."""

    def __init__(self, keys: Tensor, values: Tensor, gone: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values, self._gone = keys, values, gone

    def get_seq_length(self) -> int:
        """Tokens seen, whether or not they are still held."""
        return int(self.keys.shape[-2]) + self._gone


def shorten(cache: Cache, index: int, columns: Tensor | None, length: int) -> None:
    """Keep of layer `index` the tokens `columns` (B, n), or what it holds, of a prompt of `length` tokens; in place."""
    layer: Any = cache.layers[index]
    keys, values = layer.keys, layer.values
    if columns is not None:
        places = columns[:, None, :, None].expand(-1, keys.shape[1], -1, keys.shape[3])
        keys, values = keys.gather(2, places), values.gather(2, places)
    cache.layers[index] = ShortenedLayer(keys, values, length - keys.shape[2])


def resident_bytes(cache: Cache) -> int:
    """Bytes of the keys and values that a cache holds."""
    held = [part for layer in cache.layers for part in (layer.keys, layer.values) if isinstance(part, torch.Tensor)]
    return sum(part.numel() * part.element_size() for part in held)
