"""Stage 1 of CoPE: reference and warped transformers that rebuild the target frame's image tokens (Eq. 7-10)."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from framethrift.config.models import DeltaEncoder as DeltaEncoderConfig
from framethrift.models.delta_encoder import DeltaEncoder
from framethrift.models.prenorm import PreNormTransformer, grid_positions, reset_transformer

WEIGHTS, SETTINGS = "model.safetensors", "config.json"


class TokenUpdate(nn.Module):
    """One of the two auxiliary transformers: image tokens, with the Δ-tokens of one branch beside them, are updated.

    Architecturally identical to the branches' transformers (Supp. B). Where their width is not the tower's, linear maps lead in
    and out and only the update passes through them, so that a narrow transformer does not squeeze the image; the map out starts
    at zero, so training starts from "nothing changed". At the tower's width this is the plain transformer of the paper.
    """

    def __init__(self, settings: DeltaEncoderConfig, dim: int) -> None:
        super().__init__()
        same = settings.width == dim
        self.enter = nn.Identity() if same else nn.Linear(dim, settings.width)
        self.transformer = PreNormTransformer(settings.width, settings.layers, settings.heads)
        self.leave = nn.Identity() if same else nn.Linear(settings.width, dim)
        reset_transformer(self)
        if isinstance(self.leave, nn.Linear):
            nn.init.zeros_(self.leave.weight)

    def forward(self, image_tokens: Tensor, delta_tokens: Tensor) -> Tensor:
        """Image tokens (n, M, dim) of a square grid and Δ-tokens (n, K, dim) → updated image tokens (n, M, dim)."""
        patches = image_tokens.shape[1]
        side = round(patches**0.5)
        entered = self.enter(torch.cat([image_tokens, delta_tokens], dim=1))
        image, delta = entered.split([patches, delta_tokens.shape[1]], dim=1)
        image = image + grid_positions(side, side, image.shape[-1], image)
        updated = self.transformer(torch.cat([image, delta], dim=1), keep=patches)
        return image_tokens + self.leave(updated - image)


class DeltaPretrainer(nn.Module):
    """The Δ-encoder with the two transformers that only pre-training and next-frame retrieval use."""

    def __init__(self, encoder: DeltaEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.reference = TokenUpdate(encoder.settings, encoder.dim)
        self.warped = TokenUpdate(encoder.settings, encoder.dim)

    def forward(self, reference_tokens: Tensor, motion: Tensor, residual: Tensor) -> Tensor:
        """Unpooled tokens (n, M, dim) of the reference frame, τ (n, 2, h, w), δ (n, 3, h, w) → tokens predicted for the target.

        Raises ValueError when the tokens do not form a square grid.
        """
        if round(reference_tokens.shape[1] ** 0.5) ** 2 != reference_tokens.shape[1]:
            raise ValueError(
                f"reference_tokens {tuple(reference_tokens.shape)}: {reference_tokens.shape[1]} tokens form no square grid"
            )
        motion_tokens, residual_tokens = self.encoder(motion, residual)
        return self.warped(self.reference(reference_tokens, motion_tokens), residual_tokens)

    def save(self, folder: Path) -> None:
        """Write weights and settings into an existing folder."""
        save_file({name: tensor.contiguous() for name, tensor in self.state_dict().items()}, folder / WEIGHTS)
        text = json.dumps({"dim": self.encoder.dim, "delta_encoder": self.encoder.settings.model_dump(mode="json")}, indent=2)
        (folder / SETTINGS).write_text(text + "\n", encoding="utf-8")


def patch_regression(predicted: Tensor, target: Tensor) -> Tensor:
    """Eq. 10: squared L2 distance of each patch's tokens (n, M, dim), averaged over patches (and pairs)."""
    return (predicted - target).square().sum(dim=-1).mean()


def build_delta_pretrainer(settings: DeltaEncoderConfig, dim: int, seed: int, scale: float = 1.0) -> DeltaPretrainer:
    """A pre-trainer with random weights drawn from `seed`; `scale` as in DeltaEncoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DeltaPretrainer(DeltaEncoder(settings, dim, scale))


def load_delta_pretrainer(folder: Path | str) -> DeltaPretrainer:
    """Load what `DeltaPretrainer.save` wrote.

    Raises ValueError when a file is missing or the tensors do not match the settings.
    """
    folder = Path(folder)
    for name in (WEIGHTS, SETTINGS):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: {name} is missing; this is no pre-trained Δ-encoder")
    facts = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    pretrainer = build_delta_pretrainer(DeltaEncoderConfig.model_validate(facts["delta_encoder"]), facts["dim"], seed=0)
    try:
        pretrainer.load_state_dict(load_file(folder / WEIGHTS))
    except RuntimeError as error:
        raise ValueError(f"{folder / WEIGHTS}: tensors do not match {SETTINGS}: {error}") from error
    return pretrainer
