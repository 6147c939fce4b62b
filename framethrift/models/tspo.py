"""TSPO's temporal agent (arXiv 2508.04369): frame scores from CLIP features, without the MLLM's queries."""

import json
import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from framethrift.config.models import Tspo
from framethrift.models.sampler import save_network

WEIGHTS_FILE, SETTINGS_FILE = "tspo.safetensors", "tspo.json"


class TspoAgent(nn.Module):
    """CLIP embeddings of a question (B, d) and of candidate frames (B, T, d) → log-probabilities (B, T) of the frames.

    Frames get sinusoidal positions (index / T), attend to each other within windows of `window` frames (query, key and value
    only, no output projection), go through an MLP and are added to what they were: F_e. A frame's score is
    cos(F_e, F_t) + cos(F_f, F_t); log-probabilities are its log-softmax over T at a temperature. Here windows do not overlap,
    and the cached unit embeddings are brought to the size of CLIP's raw ones first, or positions would drown them.
    """

    def __init__(self, settings: Tspo, width: int) -> None:
        super().__init__()
        self.settings = settings
        self.project = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(
        self, questions: Tensor, frames: Tensor, frame_mask: Tensor | None = None, temperature: float | None = None
    ) -> Tensor:
        """Log-probabilities, −inf at frames that `frame_mask` (B, T) bool leaves out.

        temperature: default that of the last training step. Raises ValueError when the embeddings' widths disagree.
        """
        batch, length, width = frames.shape
        if questions.shape != (batch, width):
            raise ValueError(
                f"questions {tuple(questions.shape)} and frames {tuple(frames.shape)}: expected (B, d) and (B, T, d)"
            )
        mask = frames.new_ones((batch, length), dtype=torch.bool) if frame_mask is None else frame_mask
        raw = frames * width**0.5
        mixed = raw + self.mlp(self._attended(raw + positions(mask.sum(dim=1), length, width), mask))
        texts = questions[:, None]
        scores = functional.cosine_similarity(mixed, texts, dim=-1) + functional.cosine_similarity(frames, texts, dim=-1)
        return (scores / (temperature or self.settings.temperature)).masked_fill(~mask, -torch.inf).log_softmax(dim=-1)

    def _attended(self, signal: Tensor, mask: Tensor) -> Tensor:
        """Self-attention (B, T, d) within windows; absent frames are not looked at."""
        batch, length, width = signal.shape
        window, heads = self.settings.window, self.settings.heads
        padding = -length % window
        held = functional.pad(mask, (0, padding)).reshape(-1, 1, 1, window)
        # A window without any frame looks at itself: a row without True would turn into NaN.
        held = held | ~held.any(dim=-1, keepdim=True)
        query, key, value = (
            functional.pad(own(signal), (0, 0, 0, padding)).reshape(-1, window, heads, width // heads).transpose(1, 2)
            for own in self.project
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=held)
        return attended.transpose(1, 2).reshape(batch, length + padding, width)[:, :length]

    @torch.inference_mode()
    def weights(
        self, similarity: NDArray[np.floating], queries: NDArray[np.floating], frames: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """As `FrameSampler`: reads the embeddings of the first query, the bare question, and of the frames."""
        device = next(self.parameters()).device
        given = [torch.from_numpy(np.asarray(part, np.float32)).to(device)[None] for part in (queries[0], frames)]
        return self(*given)[0].double().cpu().numpy()


def positions(lengths: Tensor, most: int, width: int) -> Tensor:
    """(B, most, width) sinusoids of each frame's index / T, for rows of `lengths` (B,) frames."""
    place = torch.arange(most, device=lengths.device)[None] / lengths[:, None].clamp(min=1)
    rates = torch.exp(torch.arange(0, width, 2, device=lengths.device) * (-math.log(10000.0) / width))
    angles = place[..., None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)[..., :width]


def save_agent(agent: TspoAgent, folder: Path, **facts: object) -> None:
    """Write tspo.safetensors and tspo.json; the caller writes the folder's manifest last."""
    described = {"settings": agent.settings.model_dump(), "width": agent.project[0].in_features, **facts}
    save_network(agent, folder / WEIGHTS_FILE, folder / SETTINGS_FILE, described)


def load_agent(folder: Path) -> TspoAgent:
    """The agent of a folder. The caller verifies the folder's manifest."""
    described = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    agent = TspoAgent(Tspo.model_validate(described["settings"]), described["width"])
    agent.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return agent.eval()
