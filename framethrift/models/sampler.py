"""MSJoE's key-frame sampler: a 1D U-Net from the query-frame similarity matrix to frame log-probabilities (MSJoE 1.1)."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from framethrift.config.models import Sampler
from framethrift.files import replace_file, write_json

FEW_FRAMES = 64
STRIDE = 4  # frames per frame of the next level (not printed): four keeps an hour at 1 FPS cheap and its context wide
WEIGHTS_FILE, SETTINGS_FILE = "sampler.safetensors", "sampler.json"


class FrameSampler(Protocol):
    """A trained network that weighs a question's candidate frames: what the selectors msjoe and tspo take."""

    def weights(
        self, similarity: NDArray[np.floating], queries: NDArray[np.floating], frames: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """(T,) log-probabilities of frames, from cosines (N, T) and the embeddings (N, d) and (T, d) they come from."""
        ...


def standardise(similarity: Tensor, present: Tensor) -> Tensor:
    """Two views (B, N, 2, T) of cosines (B, N, T), zero where not `present` (B, N, T) bool.

    First by mean and deviation over all queries and frames of the question, which keeps what sets one query above another;
    then each query by its own, which shows a faint query's peaks. The paper is silent; raw cosines lie in a band some 0.1
    wide, too narrow for a network to start from.
    """
    views = []
    for axes in ((1, 2), (2,)):
        count = present.sum(dim=axes, keepdim=True).clamp(min=1)
        mean = (similarity * present).sum(dim=axes, keepdim=True) / count
        centred = (similarity - mean) * present
        deviation = (centred.square().sum(dim=axes, keepdim=True) / count).sqrt()
        views.append(centred / (deviation + 1e-6))
    return torch.stack(views, dim=2)


class Block(nn.Module):
    """Two masked convolutions with a residual path, (B, C_in, T) → (B, C_out, T).

    Normalisation is over the channels of each frame: no statistic runs over time, so padding changes nothing.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)
        self.second = nn.Conv1d(outputs, outputs, kernel, padding=kernel // 2)
        self.norms = nn.ModuleList(nn.LayerNorm(outputs) for _ in range(2))
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, signal: Tensor, mask: Tensor) -> Tensor:
        hidden = functional.gelu(_normed(self.first, self.norms[0], signal)) * mask
        hidden = _normed(self.second, self.norms[1], hidden)
        return functional.gelu(hidden + self.skip(signal)) * mask


def _normed(convolution: nn.Conv1d, norm: nn.Module, signal: Tensor) -> Tensor:
    """The convolution of (B, C, T), normalised over the channels of each frame.

    Few frames are rows of one product and of one norm, which takes a CPU half the time. Torch's norm is slow for many rows of few
    channels: there it is written out.
    """
    assert isinstance(norm, nn.LayerNorm)
    kernel, frames = convolution.kernel_size[0], signal.shape[2]
    if frames <= FEW_FRAMES:
        windows = functional.pad(signal, (kernel // 2, kernel // 2)).unfold(2, kernel, 1)  # (B, C, T, kernel)
        rows = functional.linear(windows.transpose(1, 2).flatten(2), convolution.weight.flatten(1), convolution.bias)
        return norm(rows).transpose(1, 2)
    found, channels = convolution(signal), norm.normalized_shape[0]
    centred = torch.sub(found, found.sum(dim=1, keepdim=True), alpha=1 / channels)
    inverse = (centred.square().sum(dim=1, keepdim=True) + channels * norm.eps).rsqrt()
    return (centred * inverse) * (norm.weight * channels**0.5)[:, None] + norm.bias[:, None]


def _shortened(convolution: nn.Module, signal: Tensor) -> Tensor:
    """A convolution whose windows do not overlap, (B, C, T) → (B, C_out, T / STRIDE): one product of rows."""
    assert isinstance(convolution, nn.Conv1d)
    windows = signal.unflatten(2, (-1, STRIDE)).transpose(1, 2).flatten(2)  # (B, T / STRIDE, C · STRIDE)
    return functional.linear(windows, convolution.weight.flatten(1), convolution.bias).transpose(1, 2)


class UNetSampler(nn.Module):
    """similarity (B, N, T) → log-probabilities (B, T) of the frames, a softmax over T divided by the temperature.

    Every query goes through the same first block; their maximum and mean over queries are what the U-Net reads, so the
    order of queries cannot matter, and neither can their number beyond what they say. T is padded to a multiple of the
    coarsest level's stride; padding is masked everywhere and changes nothing.
    """

    def __init__(self, settings: Sampler) -> None:
        super().__init__()
        self.settings = settings
        widths, kernel = settings.channels, settings.kernel
        self.query = Block(2, widths[0], kernel)
        self.merge = nn.Conv1d(2 * widths[0], widths[0], 1)
        # Strided convolutions start at the frames of their own window: a kernel as wide as the stride never reads padding.
        self.down = nn.ModuleList([nn.Conv1d(a, b, STRIDE, stride=STRIDE) for a, b in pairwise(widths)])
        self.encode = nn.ModuleList([Block(width, width, kernel) for width in widths[1:]])
        self.bottom = Block(widths[-1], widths[-1], kernel)
        self.up = nn.ModuleList([nn.Conv1d(b, a, 1) for a, b in pairwise(widths)])
        self.decode = nn.ModuleList([Block(2 * width, width, kernel) for width in widths[:-1]])
        self.head = nn.Conv1d(widths[0], 1, 1)

    def forward(self, similarity: Tensor, query_mask: Tensor | None = None, frame_mask: Tensor | None = None) -> Tensor:
        """Log-probabilities (B, T), −inf at frames that `frame_mask` (B, T) bool leaves out.

        query_mask: (B, N) bool, queries that exist. Raises ValueError for more queries than `max_queries`, or a row
        without a query or without a frame.
        """
        batch, queries, frames = similarity.shape
        query_mask = similarity.new_ones((batch, queries), dtype=torch.bool) if query_mask is None else query_mask
        frame_mask = similarity.new_ones((batch, frames), dtype=torch.bool) if frame_mask is None else frame_mask
        self._check(query_mask, frame_mask)
        padding = -frames % STRIDE ** len(self.down)
        present = functional.pad(query_mask[:, :, None] & frame_mask[:, None], (0, padding))
        masks = [functional.pad(frame_mask, (0, padding))[:, None].to(similarity.dtype)]
        # where, not a product: absent entries may hold anything, NaN included.
        known = torch.where(present, functional.pad(similarity, (0, padding)), 0.0)
        signal = self._merged(standardise(known, present), query_mask, masks[0])
        skips = []
        for down, encode in zip(self.down, self.encode, strict=True):
            skips.append(signal)
            masks.append(functional.max_pool1d(masks[-1], STRIDE))
            signal = encode(_shortened(down, signal) * masks[-1], masks[-1])
        signal = self.bottom(signal, masks[-1])
        for level in reversed(range(len(skips))):
            wide = functional.interpolate(self.up[level](signal), scale_factor=STRIDE, mode="nearest")
            signal = self.decode[level](torch.cat([wide, skips[level]], dim=1) * masks[level], masks[level])
        logits = self.head(signal)[:, 0, :frames] / self.settings.temperature
        return logits.masked_fill(~frame_mask, -torch.inf).log_softmax(dim=-1)

    def _check(self, query_mask: Tensor, frame_mask: Tensor) -> None:
        most = int(query_mask.sum(dim=1).max())
        if most > self.settings.max_queries:
            raise ValueError(f"{most} queries; models.sampler.max_queries allows {self.settings.max_queries}")
        if not bool(query_mask.any(dim=1).all() & frame_mask.any(dim=1).all()):
            raise ValueError("a row of the batch has no query or no frame")

    def _merged(self, views: Tensor, query_mask: Tensor, frame_mask: Tensor) -> Tensor:
        """(B, C, T) from the queries' own signals: their maximum and mean over queries."""
        batch, queries, _, frames = views.shape
        repeated = frame_mask.repeat_interleave(queries, dim=0)
        each = self.query(views.flatten(0, 1), repeated).view(batch, queries, -1, frames)
        there = query_mask[:, :, None, None].to(each.dtype)
        # GELU stays above -1, so a query that does not exist is never the largest. (masked_fill takes five times as long.)
        kept = each * there
        largest = (kept - (1 - there)).amax(dim=1)
        mean = kept.sum(dim=1) / there.sum(dim=1)
        return functional.gelu(self.merge(torch.cat([largest, mean], dim=1))) * frame_mask

    @torch.inference_mode()
    def weights(
        self,
        similarity: NDArray[np.floating],
        queries: NDArray[np.floating] | None = None,
        frames: NDArray[np.floating] | None = None,
    ) -> NDArray[np.float64]:
        """As `FrameSampler`: reads the cosines of the first `max_queries` queries, never the embeddings."""
        read = torch.as_tensor(similarity[: self.settings.max_queries], dtype=torch.float32, device=self.head.weight.device)
        return self(read[None])[0].double().cpu().numpy()


def save_sampler(sampler: UNetSampler, folder: Path, **facts: object) -> None:
    """Write sampler.safetensors and sampler.json (its settings and `facts`); the caller writes the folder's manifest last."""
    save_network(sampler, folder / WEIGHTS_FILE, folder / SETTINGS_FILE, {"settings": sampler.settings.model_dump(), **facts})


def save_network(network: nn.Module, weights: Path, description: Path, described: dict[str, object]) -> None:
    """Write a network's weights and what describes it, each at once."""
    weights.parent.mkdir(parents=True, exist_ok=True)
    values = {name: value.contiguous() for name, value in network.state_dict().items()}
    replace_file(weights, lambda path: save_file(values, path))
    write_json(description, described)


def load_sampler(folder: Path) -> tuple[UNetSampler, dict[str, object]]:
    """The sampler of a folder and the facts saved with it. The caller verifies the folder's manifest."""
    described = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    sampler = UNetSampler(Sampler.model_validate(described.pop("settings")))
    sampler.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return sampler.eval(), described
