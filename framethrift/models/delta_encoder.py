"""The Δ-encoder: codec primitives of one fused P-frame → a few tokens in the image encoder's space (CoPE Sec. 3.2, Supp. B)."""

import math
from collections import OrderedDict
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from transformers import ResNetConfig, ResNetModel

from framethrift.config.models import DeltaEncoder as DeltaEncoderConfig
from framethrift.models.prenorm import PreNormTransformer, grid_positions, reset_transformer
from framethrift.models.primitives import normalise_motion, normalise_residual

# The paper's text and its parameter budget contradict each other; both readings are offered.
PRESETS = {
    "budget": DeltaEncoderConfig.model_validate({}),
    "text": DeltaEncoderConfig.model_validate({"width": 1152, "layers": 4, "heads": 9}),
}

TRUNK_STRIDE = 16

TokenUse = Literal["keep", "zero", "motion-only", "residual-only"]


class QueryBranch(nn.Module):
    """Learned queries concatenated to grid features, a PreNorm transformer, and only the queries handed on (Eq. 5 and 6)."""

    def __init__(self, settings: DeltaEncoderConfig, features: nn.Module, tokens: int, dim: int) -> None:
        super().__init__()
        self.features = features
        self.queries = nn.Parameter(torch.empty(tokens, settings.width))
        self.transformer = PreNormTransformer(settings.width, settings.layers, settings.heads)
        self.norm = nn.LayerNorm(settings.width)
        self.to_tower = nn.Identity() if settings.width == dim else nn.Linear(settings.width, dim)

    def forward(self, field: Tensor) -> Tensor:
        """A normalised field (n, channels, h, w) → tokens (n, K, dim)."""
        grid = self.features(field)
        n, width, rows, columns = grid.shape
        grid = grid.flatten(2).transpose(1, 2) + grid_positions(rows, columns, width, grid)
        tokens = torch.cat([self.queries.expand(n, -1, -1), grid], dim=1)
        return self.to_tower(self.norm(self.transformer(tokens, keep=len(self.queries))))

    def reset(self, scale: float) -> None:
        """Initialise; the tokens start with root mean square `scale`."""
        reset_transformer(self)
        nn.init.normal_(self.queries, std=0.02)
        nn.init.constant_(self.norm.weight, scale)
        if isinstance(self.to_tower, nn.Linear):
            nn.init.normal_(self.to_tower.weight, std=1 / math.sqrt(self.to_tower.in_features))


class PatchFeatures(nn.Module):
    """The motion branch's two-layer MLP with weights shared over non-overlapping patches (Supp. B)."""

    def __init__(self, settings: DeltaEncoderConfig) -> None:
        super().__init__()
        self.patch = settings.patch_size
        self.mlp = nn.Sequential(
            nn.Linear(2 * settings.patch_size**2, settings.width), nn.GELU(), nn.Linear(settings.width, settings.width)
        )

    def forward(self, motion: Tensor) -> Tensor:
        """(n, 2, h, w) → (n, width, h / patch, w / patch)."""
        n, channels, height, width = motion.shape
        rows, columns = height // self.patch, width // self.patch
        patches = motion.view(n, channels, rows, self.patch, columns, self.patch).permute(0, 2, 4, 1, 3, 5)
        return self.mlp(patches.reshape(n, rows, columns, -1)).permute(0, 3, 1, 2)


class TrunkFeatures(nn.Module):
    """The residual branch's ResNet, cut where its stride is 16 so that it shares the motion branch's grid (Supp. B)."""

    def __init__(self, settings: DeltaEncoderConfig) -> None:
        super().__init__()
        trunk = ResNetModel(
            ResNetConfig(
                num_channels=3,
                embedding_size=settings.trunk_widths[0],
                hidden_sizes=list(settings.trunk_widths),
                depths=list(settings.trunk_depths),
                layer_type="basic",
            )
        )
        # Its layers, not the model: a model inside a model would be asked which attention it supports.
        self.trunk = nn.Sequential(OrderedDict(embedder=trunk.embedder, encoder=trunk.encoder))
        self.to_width = nn.Linear(settings.trunk_widths[-1], settings.width)

    def forward(self, residual: Tensor) -> Tensor:
        """(n, 3, h, w) → (n, width, h / 16, w / 16)."""
        # Channels-last convolutions take two thirds of the time on a CPU.
        grid = self.trunk(residual.contiguous(memory_format=torch.channels_last)).last_hidden_state
        return self.to_width(grid.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class DeltaEncoder(nn.Module):
    """Motion and residual branch; `dim` is the width of the image encoder's tokens, `scale` the root mean square they start from.

    A branch with 0 tokens does not exist.
    """

    def __init__(self, settings: DeltaEncoderConfig, dim: int, scale: float = 1.0) -> None:
        super().__init__()
        self.settings = settings
        self.dim = dim
        self.motion = (
            QueryBranch(settings, PatchFeatures(settings), settings.motion_tokens, dim) if settings.motion_tokens else None
        )
        self.residual = (
            QueryBranch(settings, TrunkFeatures(settings), settings.residual_tokens, dim) if settings.residual_tokens else None
        )
        self.reset(scale)

    def reset(self, scale: float = 1.0) -> None:
        """Initialise everything but the trunk, which transformers initialises."""
        for branch in (self.motion, self.residual):
            if branch is not None:
                branch.reset(scale)

    def forward(self, motion: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """τ (n, 2, h, w) in pixels, δ (n, 3, h, w) in signed grey levels → motion (n, K_τ, dim), residual tokens (n, K_δ, dim).

        Any height and width that the patch size and 16 divide. Raises ValueError for other shapes.
        """
        n, _, height, width = motion.shape
        if motion.shape[1] != 2 or residual.shape != (n, 3, height, width):
            raise ValueError(
                f"motion {tuple(motion.shape)} must be (n, 2, h, w) and residual {tuple(residual.shape)} (n, 3, h, w)"
            )
        step = math.lcm(TRUNK_STRIDE, self.settings.patch_size)
        if height % step or width % step:
            raise ValueError(
                f"codec primitives of {height} x {width} pixels: both sides must be multiples of {step}; resize them first"
            )
        dtype = next(self.parameters()).dtype
        none = motion.new_zeros((n, 0, self.dim), dtype=dtype)
        motion_tokens = residual_tokens = none
        if self.motion is not None:
            field = normalise_motion(motion.to(dtype), self.settings.motion_scaling, self.settings.motion_limit)
            motion_tokens = self.motion(field)
        if self.residual is not None:
            scaled = normalise_residual(residual.to(dtype), self.settings.residual_scale, self.settings.residual_limit)
            residual_tokens = self.residual(scaled)
        return motion_tokens, residual_tokens

    def tokens(self, motion: Tensor, residual: Tensor, use: TokenUse = "keep") -> Tensor:
        """Δ-tokens (n, K_τ + K_δ, dim), motion tokens first; `use` sets all of them (Table H.3) or one branch's to zero.

        Raises ValueError for an unknown `use`.
        """
        if use not in get_args(TokenUse):
            raise ValueError(f"use {use!r} of the Δ-tokens is unknown; allowed: {list(get_args(TokenUse))}")
        motion_tokens, residual_tokens = self(motion, residual)
        if use in ("zero", "residual-only"):
            motion_tokens = torch.zeros_like(motion_tokens)
        if use in ("zero", "motion-only"):
            residual_tokens = torch.zeros_like(residual_tokens)
        return torch.cat([motion_tokens, residual_tokens], dim=1)

    @property
    def token_count(self) -> int:
        """N = K_τ + K_δ."""
        return self.settings.motion_tokens + self.settings.residual_tokens

    def parameter_count(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters())


def build_delta_encoder(settings: DeltaEncoderConfig, dim: int, seed: int, scale: float = 1.0) -> DeltaEncoder:
    """A Δ-encoder with random weights drawn from `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DeltaEncoder(settings, dim, scale)
