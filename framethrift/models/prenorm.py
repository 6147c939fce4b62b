"""The PreNorm transformer shared by both Δ-branches and by the reference and warped transformers (CoPE Supp. B)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# The paper prints neither; these are the usual ones.
FEED_FORWARD_RATIO = 4
POSITION_BASE = 10_000.0


class PreNormBlock(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)); ordinary self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.attended = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, FEED_FORWARD_RATIO * width), nn.GELU(), nn.Linear(FEED_FORWARD_RATIO * width, width)
        )

    def forward(self, tokens: Tensor, keep: int | None = None) -> Tensor:
        """Tokens (n, L, width) → (n, L, width), or only the first `keep` of them: the others still serve as keys and values."""
        normed = self.attention_norm(tokens)
        if keep is not None:
            tokens, asking = tokens[:, :keep], normed[:, :keep]
        else:
            asking = normed
        n, length, width = asking.shape
        query = self.query(asking).view(n, length, self.heads, -1).transpose(1, 2)
        key, value = self.key_value(normed).view(n, -1, 2, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attended(attended.transpose(1, 2).reshape(n, length, width))
        return tokens + self.feed_forward(self.feed_forward_norm(tokens))


class PreNormTransformer(nn.Module):
    """A stack of PreNorm blocks without a final norm."""

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(PreNormBlock(width, heads) for _ in range(layers))

    def forward(self, tokens: Tensor, keep: int) -> Tensor:
        """Tokens (n, L, width) → the first `keep` of them (n, keep, width); the last block does no work for the rest."""
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        return self.blocks[-1](tokens, keep)


def reset_transformer(module: nn.Module) -> None:
    """Initialise the linear layers (Xavier, zero bias) and norms of a part of the Δ-encoder or its pre-trainer, in place."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            nn.init.zeros_(part.bias)
        elif isinstance(part, nn.LayerNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
    for block in (part for part in module.modules() if isinstance(part, PreNormBlock)):
        # Xavier over the stacked key and value would shrink both.
        key, value = block.key_value.weight.chunk(2)
        nn.init.xavier_uniform_(key)
        nn.init.xavier_uniform_(value)


def grid_positions(rows: int, columns: int, width: int, like: Tensor) -> Tensor:
    """Sinusoidal positions (rows * columns, width) for a grid of any size, half of the width for each axis.

    The paper is silent on how grid features carry their place; fixed sinusoids serve any H × W.
    """
    quarter = width // 4
    frequencies = torch.exp(torch.arange(quarter, device=like.device) * (-math.log(POSITION_BASE) / quarter))
    table = like.new_zeros(rows, columns, width)
    for axis, count in ((0, rows), (1, columns)):
        angles = torch.arange(count, device=like.device)[:, None] * frequencies
        waves = torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)
        table[..., 2 * quarter * axis : 2 * quarter * (axis + 1)] = waves[:, None] if axis == 0 else waves[None]
    return table.view(rows * columns, width)
